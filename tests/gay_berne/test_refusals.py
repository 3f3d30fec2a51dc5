"""Parameters, particles and edges that the Gay-Berne potential refuses."""

import math
from typing import Any

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"types": []}, "types is \\[\\], expected one or more"),
        ({"types": [1, 1]}, "expected one or more different"),
        ({"cutoff": -1.0}, "cutoff is -1.0, expected a finite number > 0"),
        ({"mu": 0.0}, "mu is 0.0"),
        ({"gamma": math.nan}, "gamma is nan"),
        ({"sigma": 0.0}, "sigma is 0.0, expected finite numbers > 0"),
        ({"epsilon": [1.0, 2.0, 3.0]}, "epsilon has shape \\(3,\\), expected \\(\\), \\(2,\\) or"),
        ({"epsilon": [[1.0, 2.0], [3.0, 1.0]]}, "expected a symmetric matrix"),
        ({"well_depths": [1.0, 2.0]}, "well_depths have shape \\(2,\\), expected"),
        ({"well_depths": [1.0, 1.0, 2.0], "sphere_types": [6]}, "equal ones for sphere_types"),
        ({"sphere_types": [3]}, "sphere_types is \\[3\\], expected some of types=\\[1, 6\\]"),
        ({"smoothing_width": 5.0}, "smoothing_width is 5.0, expected 0 to cutoff=4.0"),
    ],
)
def test_faulty_parameters(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GayBerne(**({"types": [1, 6], "cutoff": 4.0} | arguments))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"types": [1, 9]},
            "types \\[9\\]: this Gay-Berne potential was built for types=\\[1, 6\\]",
        ),
        (
            {"semiaxes": [[1, 1, 1], [1, 1, 0]]},
            "semiaxes\\[1\\] is .*, expected finite lengths > 0",
        ),
        ({"types": [6, 1]}, "semiaxes\\[0\\] is .*, expected three equal ones, since"),
        ({"pos": [[0, 0, 1], [0, 0, 1]]}, "particles \\[1, 0\\] are in the same place"),
        (
            {"edge_cutoff": torch.tensor([3.0])},
            "searched up to 3.0, .*; use data.with_edges\\(4.0\\)",
        ),
    ],
)
def test_faulty_particles(fields: dict[str, Any], message: str) -> None:
    potential = GayBerne([1, 6], 4.0, sphere_types=[6])
    given = {
        "pos": [[0, 0, 0], [0, 0, 2.5]],
        "orientations": [[1, 0, 0, 0]] * 2,
        "semiaxes": [[1, 1, 0.5]] * 2,
        "types": [1, 1],
    }
    data = EllipsoidData(**(given | fields))
    if "edge_cutoff" in fields:
        data.edge_index = torch.tensor([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=message):
        potential(data)
    with pytest.raises(TypeError, match="takes one EllipsoidData, or edge_vectors"):
        potential(torch.ones(1, 3), torch.zeros(2, 1).long())
    with pytest.raises(ValueError, match="expected one of each"):
        potential.bodies(torch.ones(2).long(), torch.ones(2, 4), torch.ones(1, 3))


@pytest.mark.parametrize("kept", [[0], [1], [0, 1, 2]])
def test_edges_in_one_direction_are_refused(kept: list[int]) -> None:
    row = EllipsoidData(
        pos=[[0, 0, 0], [0, 0, 2], [0, 0, 4]], orientations=[[1, 0, 0, 0]] * 3,
        semiaxes=[[0.5, 0.5, 0.5]] * 3, types=[0] * 3,
    ).with_edges(3.0)  # fmt: skip
    row.edge_index, row.edge_shifts = row.edge_index[:, kept], row.edge_shifts[kept]
    with pytest.raises(ValueError, match=r"in one direction and \d in the other, expected both"):
        GayBerne([0], 3.0)(row)
