import pytest
import torch
from e3nn import o3

from anisoap_e3nn.basis import solid_harmonic


def evaluate(polynomial: dict[tuple[int, int, int], float], points: torch.Tensor) -> torch.Tensor:
    exponents = torch.tensor(list(polynomial))  # -> [term, 3]
    coefficients = torch.tensor(list(polynomial.values()), dtype=points.dtype)
    return points[:, None, :].pow(exponents).prod(-1) @ coefficients


@pytest.mark.parametrize("l", range(11))
@pytest.mark.parametrize("n", [0, 1, 4])
def test_they_are_e3nns(l: int, n: int, generator: torch.Generator) -> None:
    points = torch.randn(20, 3, dtype=torch.float64, generator=generator)
    theirs = o3.spherical_harmonics(l, points, normalize=False, normalization="integral")
    theirs = theirs * points.norm(dim=-1, keepdim=True) ** (2 * n)
    ours = torch.stack(
        [evaluate(solid_harmonic(l, m, n), points) for m in range(-l, l + 1)], dim=-1
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12 * theirs.abs().max().item())


def test_they_are_homogeneous() -> None:
    for l, m, n in [(0, 0, 3), (5, -3, 2), (9, 4, 6)]:
        assert {sum(exponents) for exponents in solid_harmonic(l, m, n)} == {l + 2 * n}


@pytest.mark.parametrize(("l", "m", "n"), [(-1, 0, 0), (2, 3, 0), (2, -3, 0), (1, 0, -1)])
def test_indices_out_of_range_are_refused(l: int, m: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"found l = {l}, m = {m}, n = {n}"):
        solid_harmonic(l, m, n)
