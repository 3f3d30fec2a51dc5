"""What neighbour lists and vectors refuse."""

import math
from typing import Any

import pytest
import torch

from anisoap_e3nn.graph import edge_vectors, neighbor_list

POSITIONS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
EYE, FLAT = torch.eye(3), torch.tensor([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"cutoff": 0.0}, ValueError, "cutoff is 0.0, expected a finite length > 0"),
        ({"cutoff": -1.0}, ValueError, "cutoff is -1.0"),
        ({"cutoff": math.nan}, ValueError, "cutoff is nan"),
        ({"cutoff": math.inf}, ValueError, "cutoff is inf"),
        ({"cutoff": 1e-10}, ValueError, "cutoff is 1e-10.*units such as Å"),
        ({"positions": POSITIONS[:, :2]}, ValueError, r"shape \(3, 2\), expected \(N, 3\)"),
        ({"positions": POSITIONS.long()}, TypeError, r"torch.int64.*use .double\(\)"),
        ({"positions": POSITIONS * math.nan}, ValueError, r"positions\[0\] is \[nan, nan, nan\]"),
        ({"positions": POSITIONS / 0}, ValueError, r"positions\[0\] is .*expected finite"),
        (
            {"cell": EYE, "positions": POSITIONS * 1e10},
            ValueError,
            "positions reach 2e.10.*wrap them",
        ),
        ({"types": torch.zeros(2).long()}, ValueError, r"types has shape \(2,\), expected \(3,\)"),
        ({"types": torch.zeros(3)}, TypeError, r"types is torch.float32.*use .long\(\)"),
        ({"batch": torch.zeros(4).long()}, ValueError, r"batch has shape \(4,\), expected \(3,\)"),
        ({"batch": torch.zeros(3)}, TypeError, "batch is torch.float32, expected integers"),
        (
            {"batch": torch.tensor([0, 1, 0])},
            ValueError,
            "decreases, .*; sort the particles",
        ),
        ({"batch": torch.tensor([-1, 0, 0])}, ValueError, "batch is negative"),
        ({"pbc": True}, ValueError, "found no cell; give the cell vectors"),
        ({"cell": torch.zeros(3, 3)}, ValueError, "cell of frame 0 is .*or pbc=False"),
        ({"cell": FLAT}, ValueError, "expected independent cell vectors"),
        ({"cell": EYE * math.nan}, ValueError, "expected finite numbers"),
        ({"cell": EYE[:2]}, ValueError, r"cell has shape \(2, 3\), expected \(3, 3\)"),
        ({"cell": EYE.expand(2, 3, 3)}, ValueError, r"or \(1, 3, 3\) for 1 frame"),
        ({"cell": EYE, "pbc": [True, False]}, ValueError, r"pbc has shape \(2,\), expected \(3,\)"),
        (
            {"cell": EYE.expand(2, 3, 3), "batch": torch.tensor([0, 1, 2])},
            ValueError,
            r"cell has shape \(2, 3, 3\), expected \(3, 3\), or \(3, 3, 3\) for 3 frames",
        ),
    ],
)
def test_bad_input_is_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments: dict[str, Any] = {"positions": POSITIONS, "cutoff": 1.5} | changes
    with pytest.raises(error, match=message):
        neighbor_list(**arguments)


def test_singular_cell_names_its_frame() -> None:
    cells = torch.stack([EYE, FLAT])
    batch = torch.tensor([0, 0, 1])
    pbc = torch.tensor([[True, True, True], [True, False, True]])
    neighbor_list(POSITIONS, 1.5, cell=cells, pbc=pbc, batch=batch)
    with pytest.raises(ValueError, match="cell of frame 1 is"):
        neighbor_list(POSITIONS, 1.5, cell=cells, batch=batch)


def test_vectors_need_cell_and_batch() -> None:
    edge_index, edge_shifts = neighbor_list(POSITIONS, 2.5, cell=4 * EYE)
    assert edge_shifts.any()
    with pytest.raises(ValueError, match="periodic images without a cell; give"):
        edge_vectors(POSITIONS, edge_index, edge_shifts)
    with pytest.raises(ValueError, match="2 cells without batch"):
        edge_vectors(POSITIONS, edge_index, edge_shifts, EYE.expand(2, 3, 3))
    zero = torch.zeros_like(edge_shifts)
    assert torch.equal(
        edge_vectors(POSITIONS, edge_index, zero), edge_vectors(POSITIONS, edge_index)
    )
