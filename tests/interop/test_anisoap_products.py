"""AniSOAP's Clebsch-Gordan products against SymPy's coefficients and rotations."""

from typing import Any

import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation
from sympy.physics.quantum.cg import CG

from anisoap_e3nn.conventions import wiki_to_e3nn
from anisoap_e3nn.interop.anisoap import (
    ClebschGordanReal,
    EllipsoidalDensityProjection,
    cg_combine,
    standardize_keys,
)
from anisoap_frames import numerical_gradients, random_frame, turned

metatensor = pytest.importorskip("metatensor", reason="metatensor is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:In quaternion mode:UserWarning")

HYPERS = {
    "max_angular": 2,
    "radial_basis_name": "gto",
    "rotation_key": "c_q",
    "cutoff_radius": 4.0,
    "radial_gaussian_width": 1.5,
}


def real_from_complex(l: int) -> np.ndarray:
    """Real harmonics, m = -l..l, from complex ones with the Condon-Shortley phase."""
    U = np.zeros((2 * l + 1, 2 * l + 1), dtype=complex)
    U[l, l] = 1
    for m in range(1, l + 1):
        U[l + m, l + m], U[l + m, l - m] = (-1) ** m / 2**0.5, 1 / 2**0.5
        U[l - m, l + m], U[l - m, l - m] = -1j * (-1) ** m / 2**0.5, 1j / 2**0.5
    return U


def coupled_through_complex(l1: int, l2: int, L: int) -> np.ndarray:
    Z = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * L + 1))
    for m1 in range(-l1, l1 + 1):
        for m2 in range(-l2, l2 + 1):
            if abs(m1 + m2) <= L:
                cg = CG(l1, m1, l2, m2, L, m1 + m2).doit()
                Z[l1 + m1, l2 + m2, L + m1 + m2] = float(cg)
    A, B, C = (real_from_complex(l) for l in (l1, l2, L))
    real = np.einsum("xyz,xa,yb,cz->abc", Z, A.conj().T, B.conj().T, C)
    part = real.real if (l1 + l2 + L) % 2 == 0 else real.imag
    assert abs(real - (part if (l1 + l2 + L) % 2 == 0 else 1j * part)).max() < 1e-14
    return part


def test_coefficients_are_those_of_sympy() -> None:
    cg = ClebschGordanReal(3)
    tables = cg.get_cg()
    assert cg.get_cg() is tables  # scripts ask for it in loops
    triples = {
        (a, b, c)
        for a, b, c in np.ndindex(4, 4, 4)
        if abs(a - b) <= c <= a + b
    }  # fmt: skip
    assert set(tables) == triples
    for triple, table in tables.items():
        l1, l2, L = triple
        dense = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * L + 1))
        for M, records in enumerate(table):
            dense[records["m1"], records["m2"], M] = records["cg"]
        np.testing.assert_allclose(dense, coupled_through_complex(*triple), atol=1e-14)


def test_combine_einsum() -> None:
    rng = np.random.default_rng(0)
    cg = ClebschGordanReal(3)
    one, other = rng.normal(size=(6, 3, 4)), rng.normal(size=(6, 5, 4))
    C = coupled_through_complex(1, 2, 3)
    found = cg.combine_einsum(one, other, 3, "iq,iq->iq")
    expected = np.einsum("iaq,ibq,abm->imq", one, other, C)
    np.testing.assert_allclose(found, expected, atol=1e-13)
    along = rng.normal(size=(6, 5, 3, 4))
    found = cg.combine_einsum(one, along, 3, combination_string="iq,iaq->iaq")
    expected = np.einsum("iaq,ibxq,abm->imxq", one, along, C)
    np.testing.assert_allclose(found, expected, atol=1e-13)
    assert not cg.combine_einsum(one, one, 3, "iq,iq->iq").any()  # they do not couple
    with pytest.raises(
        ValueError, match=r"Requested CG entry \(1, 2, 4\) has not been precomputed"
    ):
        cg.combine_einsum(one, other, 4, "iq,iq->iq")
    with pytest.raises(IndexError, match="feature blocks with different number of items"):
        cg.combine_einsum(one, other[:5], 3, "iq,iq->iq")


def products(frame: Any, **more: Any) -> Any:
    nu1 = standardize_keys(EllipsoidalDensityProjection(**HYPERS, **more).transform([frame]))
    return cg_combine(nu1, nu1, lcut=3, other_keys_match=["types_center"])


def test_products_rotate_as_their_l_says() -> None:
    frame = random_frame(np.random.default_rng(2), [1, 6, 6])
    rotation = Rotation.from_quat([1, 2, 0, -3])
    before, after = products(frame), products(turned(frame, rotation))
    keys = {tuple(key) for key in before.keys.values.tolist()}
    assert keys == {(2, L, t) for t in (1, 6) for L in range(4)}
    torch.set_default_dtype(torch.float64)
    try:
        for key, block in before.items():
            L = int(key["angular_channel"])
            Q = wiki_to_e3nn(L).numpy()
            D_even = o3.Irrep(L, 1).D_from_matrix(torch.tensor(rotation.as_matrix())).numpy()
            expected = np.einsum("mk,ikq->imq", Q.T @ D_even @ Q, block.values)
            error = abs(after.block(key).values - expected).max()
            assert error <= 1e-10 * abs(expected).max()
            names = np.asarray(block.properties.values)
            assert len(np.unique(names, axis=0)) == len(names)
            # l of both, and that of the product, form a triangle
            assert (abs(names[:, 2] - names[:, 5]) <= L).all()
            assert (names[:, 2] + names[:, 5] >= L).all()
    finally:
        torch.set_default_dtype(torch.float32)


def test_gradients_of_products() -> None:
    frame = random_frame(np.random.default_rng(12), [6, 6, 6], box=4.0)
    found = products(frame, compute_gradients=True).block(angular_channel=2)

    def values(frame: Any) -> np.ndarray:
        return products(frame).block(angular_channel=2).values

    expected = numerical_gradients(values, frame)  # -> [moving, 3, sample, m, property]
    gradient = found.gradient("positions")
    assert [c.names for c in gradient.components] == [["xyz"], ["spherical_harmonics_m"]]
    sample, _, moving = np.asarray(gradient.samples.values).T
    assert len(sample) == 9
    error = abs(gradient.values - expected[moving, :, sample]).max()
    assert error <= 1e-9 * abs(expected).max()


def test_names_of_what_is_not_matched() -> None:
    frames = [random_frame(np.random.default_rng(2), [6, 6])]
    nu1 = standardize_keys(EllipsoidalDensityProjection(**HYPERS).transform(frames))
    free = cg_combine(nu1, nu1, lcut=0)
    names = ["order_nu", "angular_channel", "types_center_a", "types_center_b"]
    assert free.keys.names == names
    same = cg_combine(nu1, nu1, lcut=0, other_keys_match=["types_center"])
    np.testing.assert_array_equal(free.block(0).values, same.block(0).values)
    mixed = cg_combine(nu1, nu1, lcut=0, other_keys_match=[])
    assert mixed.keys.names == names
    nu3 = cg_combine(same, nu1, other_keys_match=["types_center"])
    assert sorted(nu3.keys.column("angular_channel").tolist()) == [0, 1, 2]
    assert set(nu3.keys.column("order_nu").tolist()) == {3}
    assert nu3.property_names == [
        *(f"{name}_a" for name in same.property_names), "k_3", "n_1_b", "neighbor_types_1_b", "l_3"
    ]  # fmt: skip
    letters = list("abcdef")
    assert cg_combine(nu1, nu1, feature_names=letters, lcut=0).property_names == letters


def test_blocks_that_do_not_fit_are_refused() -> None:
    rng = np.random.default_rng(2)
    calculator = EllipsoidalDensityProjection(**HYPERS)
    two, three = (
        standardize_keys(calculator.transform([random_frame(rng, [6] * n)])) for n in (2, 3)
    )
    with pytest.raises(IndexError, match="different number of items: 2 and 3"):
        cg_combine(two, three, lcut=0)
    other = standardize_keys(calculator.transform([random_frame(rng, [6]), random_frame(rng, [6])]))
    with pytest.raises(ValueError, match="different samples"):
        cg_combine(two, other, lcut=0)
    renamed = metatensor.rename_dimension(
        calculator.transform([random_frame(rng, [6])]), "keys", "angular_channel", "o3_lambda"
    )
    message = "^Descriptor missing spherical harmonics channel key `angular_channel`$"
    with pytest.raises(ValueError, match=message):
        standardize_keys(renamed)
