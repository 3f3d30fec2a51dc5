"""Tables of Clebsch-Gordan coefficients against e3nn, wigners and sphericart."""

import e3nn
import pytest
import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn.clebsch_gordan import real_clebsch_gordan
from anisoap_e3nn.conventions import wiki_to_e3nn

E3NN_HAS_OTHER_SIGNS = e3nn.__version__.startswith("0.4")
UP_TO_4 = [
    (l1, l2, l3)
    for l1 in range(5)
    for l2 in range(5)
    for l3 in range(abs(l1 - l2), min(l1 + l2, 4) + 1)
]
LARGE = [(11, 11, 11), (11, 10, 11), (3, 11, 9), (10, 11, 1), (8, 8, 0), (5, 6, 11), (11, 0, 11)]


def dense(l1: int, l2: int, l3: int, convention: str = "e3nn") -> Tensor:
    m1, m2, m3, coefficients = real_clebsch_gordan(l1, l2, l3, convention)
    tensor = torch.zeros(2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1, dtype=torch.float64)
    return tensor.index_put_((m1, m2, m3), coefficients)


@pytest.mark.parametrize("ls", UP_TO_4 + LARGE, ids=str)
def test_e3nn(ls: tuple[int, int, int]) -> None:
    theirs = (2 * ls[2] + 1) ** 0.5 * o3.wigner_3j(*ls, dtype=torch.float64)
    ours = dense(*ls)
    if E3NN_HAS_OTHER_SIGNS and sum(ls) % 2 == 1 and (ours * theirs).sum() < 0:
        theirs = -theirs
    torch.testing.assert_close(ours, theirs, rtol=0, atol=3e-15)


@pytest.mark.parametrize("ls", [*UP_TO_4, (6, 7, 8), (7, 7, 9), (7, 8, 14)], ids=str)
def test_complex_coefficients_turned_to_real_ones(ls: tuple[int, int, int]) -> None:
    wigners = pytest.importorskip("wigners", reason="comes with featomic")
    coupling = torch.from_numpy(wigners.clebsch_gordan_array(*ls)).to(torch.complex128)
    U1, U2, U3 = (real_from_complex(l) for l in ls)
    real = torch.einsum("pqr,ap,bq,cr->abc", coupling, U1.conj(), U2.conj(), U3)
    expected = real.imag if sum(ls) % 2 == 1 else real.real
    torch.testing.assert_close(dense(*ls, "wiki"), expected, rtol=0, atol=1e-14)


def real_from_complex(l: int) -> Tensor:
    """Y_m = √2 (-1)^m Re Y^m and Y_-m = √2 (-1)^m Im Y^m, with Y^-m = (-1)^m conj Y^m."""
    U = torch.zeros(2 * l + 1, 2 * l + 1, dtype=torch.complex128)
    U[l, l] = 1
    for m in range(1, l + 1):
        U[l + m, l + m], U[l + m, l - m] = (-1) ** m / 2**0.5, 1 / 2**0.5
        U[l - m, l + m], U[l - m, l - m] = -1j * (-1) ** m / 2**0.5, 1j / 2**0.5
    return U


@pytest.mark.parametrize(("l1", "l2"), [(0, 0), (1, 1), (2, 3), (5, 4), (12, 13), (20, 20)])
def test_orthogonal_matrix(l1: int, l2: int) -> None:
    blocks = [dense(l1, l2, l3).flatten(0, 1) for l3 in range(abs(l1 - l2), l1 + l2 + 1)]
    C = torch.cat(blocks, dim=1)  # (m1, m2) x (l3, m3)
    assert len(C) == C.shape[1] == (2 * l1 + 1) * (2 * l2 + 1)
    torch.testing.assert_close(C.T @ C, torch.eye(len(C), dtype=C.dtype), rtol=0, atol=2e-14)


@pytest.mark.parametrize("ls", UP_TO_4, ids=str)
def test_one_rotation_joins_the_conventions(ls: tuple[int, int, int]) -> None:
    Q1, Q2, Q3 = (wiki_to_e3nn(l) for l in ls)
    turned = torch.einsum("abc,ia,jb,kc->ijk", dense(*ls, "wiki"), Q1, Q2, Q3)
    sign = (-1) ** ((ls[0] + ls[1] - ls[2]) // 2)
    torch.testing.assert_close(turned, sign * dense(*ls, "e3nn"), rtol=0, atol=1e-14)


@pytest.mark.parametrize("ls", [ls for ls in UP_TO_4 if sum(ls) % 2 == 0], ids=str)
def test_product_of_two_harmonics(generator: torch.Generator, ls: tuple[int, int, int]) -> None:
    sphericart = pytest.importorskip("sphericart")
    vectors = torch.randn(10, 3, dtype=torch.float64, generator=generator)
    Y = torch.from_numpy(sphericart.SphericalHarmonics(4).compute(vectors.numpy()))
    Y1, Y2, Y3 = (Y[:, l * l : (l + 1) ** 2] for l in ls)
    coupled = torch.einsum("abc,na,nb->nc", dense(*ls), Y1, Y2)
    factor = coupled.norm() / Y3.norm()
    torch.testing.assert_close(coupled, factor * Y3, rtol=0, atol=1e-13)


def test_no_zeros_and_a_sorted_table() -> None:
    assert len(real_clebsch_gordan(5, 5, 5).coefficients) == 126
    for ls in [*UP_TO_4, (9, 10, 8), (9, 10, 7)]:
        m1, m2, m3, coefficients = real_clebsch_gordan(*ls)
        assert coefficients.abs().min() > 1e-6
        rows = torch.stack([m3, m1, m2], dim=1).tolist()
        assert rows == sorted(rows)
        assert len({tuple(row) for row in rows}) == len(rows)
        assert m1.dtype == m2.dtype == m3.dtype == torch.int64
        assert coefficients.dtype == torch.float64


def test_changing_a_table_changes_no_other() -> None:
    real_clebsch_gordan(1, 1, 1).coefficients.zero_()
    assert real_clebsch_gordan(1, 1, 1).coefficients.abs().min() > 0


@pytest.mark.parametrize("ls", [(1, 1, 3), (3, 1, 1), (-1, 1, 1), (0, 0, 1)])
def test_irreps_that_do_not_couple(ls: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="the triangle rule"):
        real_clebsch_gordan(*ls)


def test_unknown_convention() -> None:
    with pytest.raises(ValueError, match="'ylm'"):
        real_clebsch_gordan(1, 1, 1, convention="ylm")
