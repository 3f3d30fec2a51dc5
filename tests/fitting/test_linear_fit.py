"""Least squares against NumPy's, in one piece and in many, and potentials found again from their forces."""

from collections.abc import Iterator
from math import isnan

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import fit_linear, r_squared
from anisoap_e3nn.fitting.least_squares import TriangularFactor, solve_ridge
from anisoap_e3nn.gay_berne import gay_berne_pairs, label_frames
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    mechanics,
)

TARGET_WEIGHTS = {"energy": 2.0, "forces": 0.5, "torques": 1.5}


@pytest.fixture
def stack() -> StackedPotential:
    parts = [
        OneBodyPotential([6, 1]),
        PairPotential([6, 1], 4.0, n_radial=3, max_degree=2, decay_length=1.5),
        ManyBodyPotential([6, 1], 4.0, 2, 1),
    ]
    return StackedPotential(parts)


@pytest.fixture
def truth(stack: StackedPotential, generator: torch.Generator) -> StackedPotential:
    other = StackedPotential([type(part)(**part.hyperparameters) for part in stack.components])
    with torch.no_grad():
        for part, size in zip(other.components, (1.0, 0.1, 10.0), strict=True):
            part.weights.normal_(generator=generator).mul_(size)
    return other


@pytest.fixture
def labelled(truth: StackedPotential, generator: torch.Generator) -> list[EllipsoidData]:
    """Small clusters of two types, with what `truth` says of them."""

    def cluster(n: int) -> EllipsoidData:
        corners = torch.cartesian_prod(*[torch.arange(2.0)] * 3)[:n]
        return EllipsoidData(
            1.5 * corners + 0.4 * torch.randn(n, 3, generator=generator),
            torch.randn(n, 4, generator=generator),
            0.2 + 0.3 * torch.rand(n, 3, generator=generator),
            torch.where(torch.rand(n, generator=generator) < 0.5, 6, 1),
        )

    return label_frames(truth, [cluster(2 + i % 6) for i in range(60)])


def augmented(generator: torch.Generator, n: int = 50, columns: int = 8) -> Tensor:
    scales = 10.0 ** torch.arange(-3, columns - 3)  # as of features in different units
    X = scales * torch.randn(n, columns, generator=generator)
    return torch.cat([X, torch.randn(n, 1, generator=generator)], dim=1)


def test_least_squares_as_in_numpy(generator: torch.Generator) -> None:
    rows = augmented(generator)
    X, y = rows[:, :-1].numpy(), rows[:, -1].numpy()
    expected, *_ = np.linalg.lstsq(X, y, rcond=None)
    np.testing.assert_allclose(solve_ridge(rows, 0.0), expected, rtol=1e-9)


def test_columns_of_rounding_get_no_weight(generator: torch.Generator) -> None:
    rows = torch.randn(50, 4, generator=generator)
    noisy = rows.clone()
    noisy[:, 1] = 1e-16 * torch.randn(50, generator=generator)
    expected = solve_ridge(rows[:, [0, 2, 3]], 0.0)
    found = solve_ridge(noisy, 0.0)
    assert found[1] == 0
    torch.testing.assert_close(found[[0, 2]], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_spheres(dtype: torch.dtype) -> None:
    """What pairs of spheres do not have, invariants of their shapes, is nothing but rounding."""
    frames = gay_berne_pairs(sizes=(60, 0, 0), dtype=dtype).train
    for frame in frames:
        frame.semiaxes = torch.full_like(frame.semiaxes, 0.7)
    stack = StackedPotential([OneBodyPotential([0]), PairPotential([0], 4.0)]).to(dtype)
    fit_linear(stack, frames)
    for weights in stack.parameters():
        assert weights.abs().max() < 1e6
    for frame in frames:
        result = mechanics(stack, frame)
        assert result.energy.isfinite()
        assert result.torques.abs().max() < 1e-3


def test_ridge_as_in_numpy(generator: torch.Generator) -> None:
    """Which knows the ridge as more rows."""
    rows, ridge = augmented(generator), 0.3
    X, y = rows[:, :-1].numpy(), rows[:, -1].numpy()
    norms = np.linalg.norm(X, axis=0)
    X = np.concatenate([X, ridge**0.5 * np.diag(norms)])
    expected, *_ = np.linalg.lstsq(X, np.concatenate([y, np.zeros(8)]), rcond=None)
    np.testing.assert_allclose(solve_ridge(rows, ridge), expected, rtol=1e-10)


def test_the_shortest_of_many_solutions(generator: torch.Generator) -> None:
    """With a column of zeros, two equal ones, and more columns than rows."""
    rows = augmented(generator, 6)
    rows[:, 2] = 0
    rows[:, 5] = rows[:, 4]
    solution = solve_ridge(rows, 0.0)
    X = rows[:, :-1]
    norms = X.norm(dim=0).where(X.norm(dim=0) > 0, 1)
    scaled, *_ = np.linalg.lstsq((X / norms).numpy(), rows[:, -1].numpy(), rcond=1e-12)
    np.testing.assert_allclose(solution * norms, scaled, rtol=1e-9, atol=1e-12)
    assert solution[2] == 0


@pytest.mark.parametrize("sizes", [[50], [1] * 50, [3, 20, 0, 20, 7]])
def test_rows_a_few_at_a_time(generator: torch.Generator, sizes: list[int]) -> None:
    rows = augmented(generator)
    factor = TriangularFactor()
    for some in rows.split(sizes):
        factor.add(some[:, :-1], some[:, -1])
    R, solution = factor.triangle, torch.randn(8, generator=generator) / rows[:, :-1].norm(dim=0)
    assert R.shape == (9, 9)
    assert factor.total_weight == 50
    torch.testing.assert_close(R.T @ R, rows.T @ rows, rtol=1e-11, atol=1e-11)
    y, predicted = rows[:, -1], rows[:, :-1] @ solution
    assert factor.spread == pytest.approx(float(y.var(correction=0)), rel=1e-12)
    expected = 1 - float((y - predicted).square().sum() / (y - y.mean()).square().sum())
    assert factor.r_squared(solution) == pytest.approx(expected, rel=1e-10)


def test_memory_does_not_grow_with_the_rows(generator: torch.Generator) -> None:
    factor, held = TriangularFactor(), []
    for _ in range(200):
        rows = augmented(generator, 5)
        factor.add(rows[:, :-1], rows[:, -1])
        held.append(sum(map(len, factor._blocks)))
    assert max(held) < 2 * 9 + 5
    assert factor.total_weight == 1000


def test_values_that_do_not_vary() -> None:
    for value, spread in ((3.0, 9.0), (0.0, 1.0)):
        factor = TriangularFactor()
        factor.add(torch.ones(4, 1), torch.full((4,), value))
        assert factor.spread == pytest.approx(spread)


@pytest.mark.parametrize("weights", [None, TARGET_WEIGHTS], ids=["alike", "weighted"])
def test_all_rows_at_once_in_numpy(
    stack: StackedPotential,
    labelled: list[EllipsoidData],
    weights: dict[str, float] | None,
    generator: torch.Generator,
) -> None:
    """On labels that no weights reproduce, since otherwise any importance gives the same."""
    for data in labelled:
        for target in ("energy", "forces", "torques"):
            noise = torch.randn(data[target].shape, generator=generator)
            data[target] = data[target] + 0.1 * noise
    rows: dict[str, list[np.ndarray]] = {"energy": [], "forces": [], "torques": []}
    for data in labelled:
        design, n = stack.design(data), len(data.pos)
        rows["energy"].append(torch.cat([design.energy, data.energy[:, None]], 1) / n)
        for target in ("forces", "torques"):
            columns = getattr(design, target).flatten(0, 1)
            rows[target].append(torch.cat([columns, data[target].view(-1, 1)], 1))
    scaled = []
    for target, some in rows.items():
        block = torch.cat(some).detach().numpy()
        importance = 1.0 if weights is None else weights[target]
        scaled.append(block * (importance / (len(block) * block[:, -1].var())) ** 0.5)
    X, y = np.concatenate(scaled)[:, :-1], np.concatenate(scaled)[:, -1]
    ridge = 1e-6  # the bulk of the collinear columns' weights depends on rounding without
    X = np.concatenate([X, ridge**0.5 * np.diag(np.linalg.norm(X, axis=0))])
    expected, *_ = np.linalg.lstsq(X, np.concatenate([y, np.zeros(X.shape[1])]), rcond=None)

    fitted = fit_linear(stack, labelled, ridge=ridge, target_weights=weights, batch_size=7)
    found = torch.cat([part.weights.detach().flatten() for part in stack.components])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * abs(expected).max())
    for a, b in zip(fitted, r_squared(stack, labelled), strict=True):
        assert a == pytest.approx(b, rel=1e-10)


def test_the_way_frames_come_does_not_matter(
    stack: StackedPotential, labelled: list[EllipsoidData]
) -> None:
    def one_by_one() -> Iterator[EllipsoidData]:
        yield from labelled

    fit_linear(stack, one_by_one(), ridge=1e-6, batch_size=1)
    found = torch.cat([part.weights.detach().flatten() for part in stack.components])
    fit_linear(stack, labelled, ridge=1e-6, batch_size=1000)
    expected = torch.cat([part.weights.detach().flatten() for part in stack.components])
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_potential_found_again(
    stack: StackedPotential, labelled: list[EllipsoidData], dtype: torch.dtype
) -> None:
    """Its predictions: its weights need not be the only ones that make them."""
    stack = stack.to(dtype)
    cast = [
        data.clone().apply(lambda x: x.to(dtype) if x.is_floating_point() else x)
        for data in labelled
    ]
    fitted = fit_linear(stack, cast[:50], ridge=0.0 if dtype == torch.float64 else 1e-10)
    assert {x.dtype for x in stack.parameters()} == {dtype}
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for score in (*fitted, *r_squared(stack, cast[50:], batch_size=4)):
        assert score == pytest.approx(1.0, abs=tolerance)


def test_energies_alone(stack: StackedPotential, labelled: list[EllipsoidData]) -> None:
    bare = []
    for data in labelled:
        bare.append(data.clone())
        del bare[-1].forces, bare[-1].torques
    fitted = fit_linear(stack, bare)
    assert fitted.energy > 0.999
    assert isnan(fitted.forces)
    assert isnan(fitted.torques)
    assert r_squared(stack, bare)[0] == pytest.approx(fitted.energy, rel=1e-6)
    assert all(isnan(score) for score in r_squared(stack, bare)[1:])
    without = {"energy": 1.0, "forces": 0.0, "torques": 0.0}
    weights = stack.components[1].weights.detach().clone()
    scores = fit_linear(stack, labelled, target_weights=without)
    torch.testing.assert_close(stack.components[1].weights.detach(), weights, rtol=1e-5, atol=1e-6)
    assert scores.forces == pytest.approx(r_squared(stack, labelled).forces, rel=1e-8)


def test_frames_without_particles(
    stack: StackedPotential, labelled: list[EllipsoidData], frames: dict[str, EllipsoidData]
) -> None:
    (empty,) = label_frames(stack, [frames["empty"]])
    assert empty.energy.tolist() == [0.0]
    fitted = fit_linear(stack, [*labelled, empty])
    assert all(score > 0.999 for score in fitted)
    assert mechanics(stack, empty).energy.tolist() == [0.0]


def test_what_makes_no_sense(stack: StackedPotential, labelled: list[EllipsoidData]) -> None:
    with pytest.raises(ValueError, match="one or more frames"):
        fit_linear(stack, [])
    with pytest.raises(ValueError, match="one or more frames"):
        r_squared(stack, [])
    with pytest.raises(ValueError, match=r"ridge is -1\.0"):
        fit_linear(stack, labelled, ridge=-1.0)
    for wrong in ({"stress": 1.0}, {"forces": -1.0}, {"forces": float("nan")}):
        with pytest.raises(ValueError, match="target_weights"):
            fit_linear(stack, labelled, target_weights=wrong)
    some = [data.clone() for data in labelled[:3]]
    del some[1].torques
    with pytest.raises(ValueError, match="in all or none of them"):
        fit_linear(stack, some)
    some[1].torques = torch.full_like(some[1].forces, torch.nan)
    with pytest.raises(ValueError, match="torques of frame 1 is NaN"):
        fit_linear(stack, some)
    for name in ("energy", "forces", "torques"):
        del some[0][name]
    with pytest.raises(ValueError, match="one or more of energy, forces, torques"):
        fit_linear(stack, some)
    perceptron = StackedPotential([ManyBodyPotential([6, 1], 4.0, 2, hidden=(3,))])
    with pytest.raises(TypeError, match="not linear in its weights"):
        fit_linear(perceptron, labelled)
    before = torch.cat([part.weights.detach().flatten() for part in stack.components])
    assert not before.any()  # what failed has changed nothing
