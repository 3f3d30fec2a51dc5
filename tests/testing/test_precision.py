"""Numbers that change their dtype, or lose their digits, are found."""

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.testing import check_precision
from faulty_models import Plus


def test_dtypes_that_change(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    """By a constant in the default dtype, here float64."""
    constant = torch.tensor([1e-3])
    wrong = Plus(model, lambda data: constant * data.semiaxes[:, 0])
    with pytest.raises(
        AssertionError, match=r"^in torch.float32, the dtype of \w+ is torch.float64, expected"
    ):
        check_precision(wrong, frames["slab"])


def test_digits_that_are_lost(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    wrong = Plus(model, lambda data: (data.pos[:, 0] + 1e5) - 1e5 - data.pos[:, 0])
    with pytest.raises(AssertionError, match=r"^in single precision, energ.* tolerance 0\.0001"):
        check_precision(wrong, frames["slab"])


def test_overflow(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    def overflowing(data: EllipsoidData) -> Tensor:
        return (data.semiaxes[:, 0] * 1e30).square() * 1e-30

    assert check_precision(lambda data: data.semiaxes[:, 0].square(), frames["slab"]) < 1e-6
    with pytest.raises(AssertionError, match=r"is (inf|nan), expected"):
        check_precision(Plus(model, overflowing), frames["slab"])


def test_right_models_stay_as_they_are(
    model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["slab"].with_edges(4.1)
    assert 0 < check_precision(model, data) < 1e-4
    assert all(x.dtype == torch.float64 for x in model.parameters())
    assert data.pos.dtype == torch.float64
    embedding = AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.2)
    assert 0 < check_precision(embedding, data) < 1e-5
