"""Fields of ellipsoid data: their kinds, shapes and dtypes."""

from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data.targets import Targets


def data(**changes: Any) -> EllipsoidData:
    fields: dict[str, Any] = {
        "pos": torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]], dtype=torch.float64),
        "orientations": [[1.0, 0.0, 0.0, 0.0]] * 2,
        "semiaxes": np.ones((2, 3)),
        "types": [0, 1],
    }
    return EllipsoidData(**(fields | changes))


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("energy", torch.zeros(7), ValueError),
        ("energy", torch.tensor(1.0).double(), ValueError),
        ("energy", 1.5, TypeError),
        ("energy", "x", TypeError),
        ("energy", torch.zeros(1), TypeError),  # float32 among float64
        ("energy", torch.full((1,), torch.nan).double(), ValueError),
        ("forces", torch.zeros(5, 3), ValueError),
        ("forces", torch.zeros(2, 3), TypeError),
        ("torques", torch.full((2, 3), torch.nan).double(), ValueError),
        ("torques", torch.zeros(1, 6).double(), ValueError),
        ("stress", "x", TypeError),
        ("stress", torch.zeros(6).double(), ValueError),
        ("stress", torch.full((1, 3, 3), torch.inf).double(), ValueError),
        ("pos", "xyz", TypeError),
        ("pos", [[0.0, 0.0, 0.0], [1.0]], TypeError),
        ("pos", torch.tensor(1.0).double(), ValueError),
        ("semiaxes", 1.0, ValueError),
        ("types", ["A", "B"], TypeError),
        ("types", [0.7, 1.2], TypeError),
        ("types", 3, ValueError),
        ("orientations", {}, TypeError),
        ("cell", "cubic", TypeError),
        ("pbc", [True, False], TypeError),
        ("pbc", "ppp", TypeError),
        ("pbc", [0.5, 1.0, 1.0], TypeError),
        ("pbc", [0, 1, 2], TypeError),
    ],
    ids=str,
)
def test_faulty_fields(name: str, values: Any, error: type[Exception]) -> None:
    changes = {name: values} if name != "cell" else {name: values, "pbc": True}
    with pytest.raises(error, match=rf"^{name} (is|has) .*, expected"):
        data(**changes)


def test_targets_may_be_lists_and_arrays() -> None:
    frame = data(energy=[1.5], forces=np.zeros((2, 3)), stress=np.eye(3, dtype=np.float32)[None])
    assert {frame[name].dtype for name in ("energy", "forces", "stress")} == {torch.float64}


@pytest.mark.parametrize("pbc", [[1, 0, 1], np.array([True, False, True]), (True, False, True)])
def test_spellings_of_pbc(pbc: Any) -> None:
    assert data(cell=np.eye(3), pbc=pbc).pbc.tolist() == [[True, False, True]]


@pytest.mark.parametrize("frame", [1, "x", None, {}], ids=str)
def test_targets_of_what_is_no_frame(frame: Any) -> None:
    with pytest.raises(TypeError, match=r"frame 0 is .*, expected an EllipsoidData"):
        Targets().add(frame)


def test_targets_that_were_changed_to_lists() -> None:
    frame = data(energy=[1.0])
    frame.energy = [1.0]
    with pytest.raises(TypeError, match="energy of frame 0 is a list, expected a tensor"):
        Targets().add(frame)
