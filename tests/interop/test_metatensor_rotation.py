"""What others compute, converted, turns as e3nn says; and the two bases."""

from collections.abc import Callable
from typing import Any

import ase
import ase.build
import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation
from torch import Tensor

from anisoap_e3nn.interop.metatensor import (
    change_basis,
    metatensor_to_e3nn,
    rotate,
    to_e3nn_basis,
    to_metatensor_basis,
    wigner_matrix,
)
from tensor_maps import KINDS, Kind, array, blocks, spherical, turn

pytestmark = pytest.mark.usefixtures("float64_by_default")

ROTATION = Rotation.from_rotvec([0.7, -1.9, 0.4]).as_matrix()
TURNS = {"rotation": ROTATION, "reflection": -ROTATION}


def hyperparameters(max_angular: int, max_radial: int) -> dict[str, Any]:
    return {
        "cutoff": {"radius": 3.0, "smoothing": {"type": "ShiftedCosine", "width": 0.5}},
        "density": {"type": "Gaussian", "width": 0.4},
        "basis": {
            "type": "TensorProduct",
            "max_angular": max_angular,
            "radial": {"type": "Gto", "max_radial": max_radial},
        },
    }


def expansion(frames: list[ase.Atoms]) -> Any:
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    return featomic.SphericalExpansion(**hyperparameters(5, 2)).compute(frames)


def expansion_with_gradients(frames: list[ase.Atoms]) -> Any:
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    calculator = featomic.SphericalExpansion(**hyperparameters(3, 1))
    return calculator.compute(frames, gradients=["positions"])


def equivariant_power_spectrum(frames: list[ase.Atoms]) -> Any:
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    products = pytest.importorskip("featomic.clebsch_gordan")
    calculator = featomic.SphericalExpansion(**hyperparameters(2, 1))
    return products.EquivariantPowerSpectrum(calculator).compute(frames)


def density_correlations(frames: list[ase.Atoms]) -> Any:
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    products = pytest.importorskip("featomic.clebsch_gordan")
    density = featomic.SphericalExpansion(**hyperparameters(2, 0)).compute(frames)
    density = density.keys_to_properties("neighbor_type").keys_to_samples("center_type")
    return products.DensityCorrelations(n_correlations=2, max_angular=6).compute(density)


def assert_close(found: Tensor, expected: Tensor, tolerance: float = 1e-10) -> None:
    scale = float(expected.abs().max())
    assert scale > 0
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * scale)


def molecules(names: list[str]) -> list[ase.Atoms]:
    return [ase.build.molecule(name) for name in names]


def moved_by(frames: list[ase.Atoms], matrix: np.ndarray) -> list[ase.Atoms]:
    return [ase.Atoms(frame.numbers, frame.positions @ matrix.T) for frame in frames]


CALCULATORS = [
    (expansion, ["CH3OH", "C6H6", "SiH4", "H2O2"]),
    (expansion_with_gradients, ["CH3OH", "H2O2"]),
    (equivariant_power_spectrum, ["H2O2", "CH3OH"]),
    (density_correlations, ["H2O2"]),
]


@pytest.mark.parametrize("matrix", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize(
    ("compute", "names"), CALCULATORS, ids=[compute.__name__ for compute, _ in CALCULATORS]
)
def test_descriptors_of_featomic_turn_with_e3nns_matrices(
    compute: Callable[..., Any], names: list[str], matrix: np.ndarray
) -> None:
    frames = molecules(names)
    before, after = compute(frames), compute(moved_by(frames, matrix))
    irreps, x = metatensor_to_e3nn(before)
    _, y = metatensor_to_e3nn(after)
    R = torch.tensor(matrix)
    turned = turn(irreps, x, R)
    for (_, ir), span in zip(irreps, irreps.slices(), strict=True):
        assert_close(turned[:, span], y[:, span])
        if ir.l > 0:  # where doing nothing would not do
            assert (x[:, span] - y[:, span]).abs().max() > 1e-2 * x[:, span].abs().max()
    # `turn` does what e3nn's large matrix does, seen on one channel of each irrep
    one_each = o3.Irreps([(1, ir) for _, ir in irreps])
    starts = zip(irreps.slices(), one_each, strict=True)
    z = torch.cat([x[:, span.start : span.start + ir.dim] for span, (_, ir) in starts], dim=1)
    assert_close(z @ one_each.D_from_matrix(R).T, turn(one_each, z, R), 1e-13)
    for mine, theirs in zip(blocks(rotate(before, matrix)), blocks(after), strict=True):
        assert abs(mine.values - theirs.values).max(initial=0) <= 1e-10 * float(x.abs().max())


def test_the_irreps_are_those_of_products_of_densities() -> None:
    irreps, _ = metatensor_to_e3nn(equivariant_power_spectrum(molecules(["H2O2"])))
    products = o3.ReducedTensorProducts("ij", i="1x0e+1x1o+1x2e", j="1x0e+1x1o+1x2e").irreps_out
    assert {ir for _, ir in irreps} == {ir for _, ir in products}
    assert {"1e", "2o"} <= {str(ir) for _, ir in irreps}
    pseudoscalars, y = metatensor_to_e3nn(density_correlations(molecules(["H2O2"])))
    spans = {
        str(ir): span for (_, ir), span in zip(pseudoscalars, pseudoscalars.slices(), strict=True)
    }
    assert y[:, spans["0o"]].abs().max() > 1e-2 * y.abs().max()  # hydrogen peroxide is chiral


def test_gradients_turn_too() -> None:
    frames = molecules(["CH3OH", "H2O2"])
    before = expansion_with_gradients(frames)
    after = expansion_with_gradients(moved_by(frames, ROTATION))
    irreps, x = metatensor_to_e3nn(before, gradient="positions")
    _, y = metatensor_to_e3nn(after, gradient="positions")
    R = torch.tensor(ROTATION)
    assert_close(turn(irreps, torch.einsum("ab,sbi->sai", R, x), R), y)
    turned = rotate(before, ROTATION)
    for mine, theirs in zip(blocks(turned), blocks(after), strict=True):
        expected = theirs.gradient("positions").values
        error = abs(mine.gradient("positions").values - expected).max()
        assert error <= 1e-10 * abs(expected).max()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_harmonics_of_sphericart_are_those_of_e3nn(kind: Kind, generator: torch.Generator) -> None:
    sphericart = pytest.importorskip("sphericart", reason="sphericart is not installed")
    l_max = 8
    r = torch.randn(20, 3, generator=generator)
    calculator = sphericart.SphericalHarmonics(l_max)

    def harmonics(vectors: Tensor) -> tuple[o3.Irreps, Tensor]:
        flat = calculator.compute(vectors.numpy())
        values = {(l, 1): flat[:, l**2 : (l + 1) ** 2, None].copy() for l in range(l_max + 1)}
        irreps, x = metatensor_to_e3nn(spherical(values, kind))
        return irreps, torch.as_tensor(x)

    irreps, x = harmonics(r)
    assert irreps == o3.Irreps.spherical_harmonics(l_max)
    expected = o3.spherical_harmonics(irreps, r, normalize=True, normalization="integral")
    torch.testing.assert_close(x, expected, rtol=0, atol=1e-12)
    for matrix in map(torch.tensor, TURNS.values()):
        assert_close(x @ irreps.D_from_matrix(matrix).T, harmonics(r @ matrix.T)[1])


@pytest.mark.parametrize("l", range(9))
def test_both_bases(l: int) -> None:
    Q, back = to_e3nn_basis(l), to_metatensor_basis(l)
    eye = torch.eye(2 * l + 1)
    torch.testing.assert_close(Q @ back, eye, rtol=0, atol=1e-14)
    torch.testing.assert_close(back, Q.T, rtol=0, atol=0)
    R = torch.tensor(ROTATION)
    D = o3.Irrep(l, 1).D_from_matrix(R)
    torch.testing.assert_close(Q @ wigner_matrix(l, R) @ back, D, rtol=0, atol=1e-12)


def test_wigner_matrices_of_many_rotations(generator: torch.Generator) -> None:
    R = o3.rand_matrix(4, 2)
    D = wigner_matrix(3, R)
    assert D.shape == (4, 2, 7, 7)
    torch.testing.assert_close(wigner_matrix(3, R[1, 1]), D[1, 1])
    torch.testing.assert_close(wigner_matrix(3, R[0] @ R[1]), D[0] @ D[1])
    assert wigner_matrix(3, R.float()).dtype == torch.float32
    with pytest.raises(ValueError, match="rotation holds a reflection, expected rotation matrices"):
        wigner_matrix(1, -R)
    with pytest.raises(ValueError, match="not orthogonal"):
        wigner_matrix(1, 2 * R)


def test_parameters_change_their_basis(generator: torch.Generator) -> None:
    """A table of two harmonics, of sphericart and of e3nn."""
    sphericart = pytest.importorskip("sphericart", reason="sphericart is not installed")
    a, b = torch.randn(2, 3, generator=generator)
    theirs = torch.tensor(sphericart.SphericalHarmonics(3).compute(torch.stack([a, b]).numpy()))
    table = theirs[0, 9:16, None, None] * theirs[1, None, None, 4:9] * torch.ones(2, 1)
    expected = table.new_zeros(7, 2, 5) + torch.einsum(
        "i,j->ij", *(o3.spherical_harmonics(l, v, True, "integral") for l, v in ((3, a), (2, b)))
    ).unsqueeze(1)
    axes = {0: 3, -1: 2}
    found = change_basis(table, axes, to="e3nn")
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)
    torch.testing.assert_close(change_basis(found, axes, to="metatensor"), table)
    assert (found - table).abs().max() > 0.1
    weight = torch.randn(4, 3, requires_grad=True, generator=generator)
    change_basis(weight, {1: 1}, to="e3nn").square().sum().backward()
    torch.testing.assert_close(weight.grad, 2 * weight)
    with pytest.raises(
        ValueError, match=r"axis 1 of shape \(4, 3\) has 3 entries, expected 2l\+1 = 5 for l = 2"
    ):
        change_basis(weight, {1: 2}, to="e3nn")
    with pytest.raises(ValueError, match="to is 'wiki', expected 'e3nn' or 'metatensor'"):
        change_basis(weight, {1: 1}, to="wiki")  # type: ignore[arg-type]


def test_coupling_coefficients_are_the_same_in_both_bases() -> None:
    C = o3.wigner_3j(2, 1, 3)
    theirs = change_basis(C, {0: 2, 1: 1, 2: 3}, to="metatensor")
    torch.testing.assert_close(theirs, C, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_rotate_any_kind(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    values = {(l, s): rng.normal(size=(3, 2 * l + 1, 2)) for l in range(4) for s in (1, -1)}
    tensor_map = spherical(values, kind)
    for matrix in TURNS.values():
        turned = rotate(tensor_map, matrix)
        assert type(blocks(turned)[0].values) is type(blocks(tensor_map)[0].values)
        irreps, x = metatensor_to_e3nn(tensor_map)
        _, y = metatensor_to_e3nn(turned)
        assert_close(x @ irreps.D_from_matrix(torch.tensor(matrix)).T, y, 1e-12)
    back = rotate(rotate(tensor_map, ROTATION), ROTATION.T)
    for mine, block in zip(blocks(back), blocks(tensor_map), strict=True):
        np.testing.assert_allclose(array(mine.values), array(block.values), atol=1e-13)
    for wrong in (np.ones((3, 3)), np.eye(2), 2 * np.eye(3)):
        with pytest.raises(ValueError, match=r"orthogonal|shape"):
            rotate(tensor_map, wrong)
