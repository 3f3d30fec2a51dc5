from itertools import product

import numpy as np
import pytest
import torch

from anisoap_e3nn.geometry import covariances, damped_covariances
from anisoap_e3nn.ops import gaussian_moments, moment_exponents
from common import by_number_of_threads, make_case, needs_native, relative_error


def test_they_are_the_integrals(backend: str, generator: torch.Generator) -> None:
    """Gauss-Hermite quadrature of x^a y^b z^c e^{-β|x|²/2} over the undamped Gaussian."""
    exponent, degree = 0.3, 5
    q = torch.randn(1, 4, dtype=torch.float64, generator=generator)
    semiaxes = torch.tensor([[0.4, 0.8, 1.1]], dtype=torch.float64)
    r = torch.tensor([[0.7, -0.4, 1.2]], dtype=torch.float64)
    C, w = damped_covariances(q, semiaxes, exponent)
    zero = torch.zeros(1, dtype=torch.int64)
    ours = gaussian_moments(r, zero, zero, 1, C, w, exponent=exponent, degree=degree)[0]

    nodes, node_weights = np.polynomial.hermite_e.hermegauss(60)
    standard = torch.tensor(list(product(nodes, repeat=3)))
    volume = torch.tensor(list(product(node_weights, repeat=3))).prod(-1) / (2 * np.pi) ** 1.5
    x = r + standard @ torch.linalg.cholesky(covariances(q, semiaxes)[0]).T
    volume = volume * torch.exp(-exponent * x.square().sum(-1) / 2)
    for moment, exponents in zip(ours, moment_exponents(degree), strict=True):
        integral = (volume * x.pow(torch.tensor(exponents)).prod(-1)).sum()
        torch.testing.assert_close(moment, integral, rtol=1e-10, atol=1e-12)


@needs_native
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)], ids=["f64", "f32"]
)
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 6, 9, 14])
def test_native_is_the_definition(
    instruction_set: str,
    dtype: torch.dtype,
    tolerance: float,
    degree: int,
    generator: torch.Generator,
) -> None:
    for exponent, left_out in product([0.0, 0.4], [{}, {"pair_weights"}, {"own_segments"}]):
        case = make_case(generator, dtype) | {"exponent": exponent} | dict.fromkeys(left_out)
        ours = gaussian_moments(**case, degree=degree, backend="native")
        exact = {
            k: v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v
            for k, v in case.items()
        }
        definition = gaussian_moments(**exact, degree=degree, backend="torch")
        assert ours.dtype == dtype
        assert relative_error(ours.double(), definition) <= tolerance


@needs_native
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_particles_alone_in_their_segments(
    instruction_set: str, dtype: torch.dtype, tolerance: float, generator: torch.Generator
) -> None:
    """They are summed several at a time; beside them are segments with pairs, and empty ones."""
    for n in (1, 2, 15, 17, 150):
        case = make_case(generator, dtype)
        among = torch.randint(len(case["weights"]), (n,), generator=generator)
        case["neighbors"] = torch.randint(n, case["neighbors"].shape, generator=generator)
        case |= {name: case[name][among] for name in ("covariances", "weights")}
        case["own_segments"] = 40 + torch.randperm(2 * n, generator=generator)[:n]
        case["n_segments"] = 40 + 2 * n
        ours = gaussian_moments(**case, degree=5, backend="native")
        definition = gaussian_moments(**case, degree=5, backend="torch")
        assert relative_error(ours.double(), definition.double()) <= tolerance


@needs_native
def test_order_of_edges_does_not_matter(generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    moments = gaussian_moments(**case, degree=6, backend="native")
    order = torch.argsort(case["segments"], stable=True)
    for name in ("edge_vectors", "neighbors", "segments", "pair_weights"):
        case[name] = case[name][order]
    # sorting is stable, so sums run in the same order and nothing differs, not even rounding
    assert torch.equal(moments, gaussian_moments(**case, degree=6, backend="native"))


@needs_native
def test_number_of_threads_changes_no_bit(generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64, n_edges=20000)
    results = by_number_of_threads(lambda: gaussian_moments(**case, degree=6, backend="native"))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_no_edges_no_particles_no_segments(backend: str) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    arguments = (torch.zeros(0, 3), none, none)
    particles = (torch.zeros(0, 3, 3), torch.zeros(0))
    for n_segments in (0, 5):
        moments = gaussian_moments(*arguments, n_segments, *particles, exponent=0.5, degree=3)
        assert torch.equal(moments, torch.zeros(n_segments, 20))


def test_far_neighbors_vanish_quietly(backend: str, generator: torch.Generator) -> None:
    """exp(-βr²/2) underflows long before r overflows."""
    case = make_case(generator, torch.float64)
    case["edge_vectors"] = case["edge_vectors"] * torch.logspace(1, 6, 300).double()[:, None]
    assert torch.isfinite(gaussian_moments(**case, degree=6)).all()


def test_wrong_tensors_are_refused(backend: str, generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    for name, wrong, error, message in [
        (
            "edge_vectors",
            torch.zeros(300, 2).double(),
            ValueError,
            r"edge_vectors has shape \(300, 2\)",
        ),
        (
            "neighbors",
            torch.zeros(299).long(),
            ValueError,
            r"neighbors has shape \(299,\), expected \(300,\)",
        ),
        (
            "segments",
            torch.zeros(300).int(),
            TypeError,
            "segments is torch.int32, expected torch.int64",
        ),
        (
            "weights",
            case["weights"].float(),
            TypeError,
            "weights is torch.float32.*torch.float64 as edge_",
        ),
        (
            "covariances",
            torch.zeros(12, 9).double(),
            ValueError,
            r"covariances has shape \(12, 9\)",
        ),
    ]:
        with pytest.raises(error, match=message):
            gaussian_moments(**(case | {name: wrong}), degree=2)


def test_own_gaussians_are_edges_of_no_length(backend: str, generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    own = case.pop("own_segments")
    moments = gaussian_moments(**case, own_segments=own, degree=4)
    extended = case | {
        "edge_vectors": torch.cat([case["edge_vectors"], torch.zeros(12, 3).double()]),
        "neighbors": torch.cat([case["neighbors"], torch.arange(12)]),
        "segments": torch.cat([case["segments"], own]),
        "pair_weights": torch.cat([case["pair_weights"], torch.ones(12).double()]),
    }
    assert relative_error(moments, gaussian_moments(**extended, degree=4)) < 1e-13


@needs_native
def test_own_segments_are_different_ones(generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    case["own_segments"][3] = case["own_segments"][7]
    with pytest.raises(ValueError, match=r"own_segments names segment .* twice"):
        gaussian_moments(**case, degree=2, backend="native")


@needs_native
@pytest.mark.parametrize(
    ("name", "value"), [("segments", 40), ("segments", -1), ("neighbors", 12), ("own_segments", 40)]
)
def test_native_never_reads_out_of_range(name: str, value: int, generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    case[name][7] = value
    with pytest.raises(IndexError, match=rf"{name}\[7\] is {value}, expected 0 to"):
        gaussian_moments(**case, degree=2, backend="native")
