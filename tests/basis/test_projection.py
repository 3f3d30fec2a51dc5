from dataclasses import dataclass

import numpy as np
import pytest
import torch
from e3nn import o3

from anisoap_e3nn.basis import GTOBasis, MomentProjection, MonomialBasis, RadialBasis
from anisoap_e3nn.ops import moment_exponents
from oscillator_basis import OscillatorBasis


def test_a_point_gives_radial_functions_times_harmonics(generator: torch.Generator) -> None:
    """The moments of a point at r are its monomials, so its coefficients are φ_nl(r) Y_lm(r̂)."""
    r = torch.randn(30, 3, dtype=torch.float64, generator=generator)
    distance = r.norm(dim=-1)
    n_radial, rcond = [3, 1, 2, 2], 1e-10
    for basis in (GTOBasis(1.3), MonomialBasis(3.0), OscillatorBasis(1.3)):
        projection = MomentProjection(basis, n_radial, n_types=1, rcond=rcond).double()
        exponents = torch.tensor(moment_exponents(projection.degree))
        damping = torch.exp(-basis.exponent * distance.square() / 2)
        moments = damping[:, None] * r[:, None, :].pow(exponents).prod(-1)
        expected = []
        for l, count in enumerate(n_radial):
            T = torch.as_tensor(basis.expansion(l, count, rcond), dtype=torch.float64)
            powers = torch.stack([distance ** (l + 2 * k) * damping for k in range(count)])
            phi = T @ powers  # -> [n, particle]
            Y = o3.spherical_harmonics(l, r, normalize=True, normalization="integral")
            expected.append(torch.einsum("np,pm->pnm", phi, Y).flatten(1))
        ours = projection(moments[:, None])
        torch.testing.assert_close(ours, torch.cat(expected, dim=1), rtol=1e-11, atol=1e-12)


def test_types_stand_side_by_side_within_each_l(generator: torch.Generator) -> None:
    n_radial = [2, 1]
    one = MomentProjection(GTOBasis(1.0), n_radial, n_types=1, rcond=1e-8)
    three = MomentProjection(GTOBasis(1.0), n_radial, n_types=3, rcond=1e-8)
    moments = torch.randn(4, 3, 10, generator=generator)
    alone = torch.stack([one(moments[:, t, None]) for t in range(3)], dim=1)  # -> [4, type, 2 + 3]
    expected = torch.cat([alone[..., :2].flatten(1), alone[..., 2:].flatten(1)], dim=1)
    torch.testing.assert_close(three(moments.flatten(0, 1)[:, None]), expected)


def test_missing_parities_are_no_trouble() -> None:
    """With l ≤ 1 and n ≤ 1 the moment xyz exists but no harmonic contains it."""
    projection = MomentProjection(GTOBasis(1.0), [2, 2], n_types=1, rcond=1e-8)
    xyz = moment_exponents(3).index((1, 1, 1))
    assert not projection.matrix[xyz].any()
    assert projection(torch.ones(2, 1, 20)).shape == (2, 8)


def test_precision_survives_a_visit_to_float32() -> None:
    exact = MomentProjection(GTOBasis(1.0), [3, 2], n_types=1, rcond=1e-8).double().matrix.clone()
    back = MomentProjection(GTOBasis(1.0), [3, 2], n_types=1, rcond=1e-8).float().double().matrix
    assert torch.equal(exact, back)


def test_only_equal_parities_mix() -> None:
    projection = MomentProjection(GTOBasis(1.0), [4, 3, 3, 2, 2, 1, 1], n_types=1, rcond=1e-8)
    outside = projection.matrix.clone()
    for rows, columns in zip(outside.split(projection._rows), projection._columns, strict=True):
        block = rows.narrow(1, *columns)
        assert block.any()
        block.zero_()
    assert not outside.any()


@pytest.mark.parametrize(
    ("expansion", "message"),
    [
        (
            np.ones((3, 2)),
            r"Own\(\) for l = 0 has shape \(3, 2\), expected \(3, 3\): a row for each",
        ),
        (np.full((3, 3), np.nan), r"Own\(\) for l = 0 has entries that are not finite"),
    ],
)
def test_wrong_expansions_are_refused(expansion: np.ndarray, message: str) -> None:
    @dataclass(frozen=True)
    class Own(RadialBasis):
        exponent = 0.5

        def expansion(self, l: int, n_radial: int, rcond: float) -> np.ndarray:
            return expansion

        def __repr__(self) -> str:
            return "Own()"

    with pytest.raises(ValueError, match=message):
        MomentProjection(Own(), [3, 2], n_types=1, rcond=1e-8)
