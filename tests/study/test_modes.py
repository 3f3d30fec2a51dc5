"""The routes of the benchmark study compute the same descriptor, or are refused."""

import pytest
import torch

from benchmarks.study import modes
from benchmarks.study.modes import MODES, Problem, Route, checked_routes, prepare, why_left_out
from benchmarks.study.results import Result
from benchmarks.study.stopwatch import Stopwatch
from benchmarks.systems import simple_cubic
from benchmarks.timing import interleaved_times
from common import needs_native


@pytest.mark.parametrize(
    ("n_species", "max_angular", "max_radial"), [(1, 3, None), (2, 6, None), (3, 2, 2)]
)
def test_all_modes_compute_the_same_numbers(
    n_species: int, max_angular: int, max_radial: int | None
) -> None:
    problem = Problem(simple_cubic((1, 2, 3), n_species), max_angular, max_radial)
    available = [mode for mode in MODES if not why_left_out(mode)]
    assert {"torch_full", "summed_first"} <= set(available)
    _, errors = checked_routes(available, problem)
    assert set(errors) == set(available)
    assert max(errors.values()) < 1e-13


def test_batched_modes_have_float32_and_the_loops_have_not() -> None:
    problem = Problem(simple_cubic((1, 2, 3)), dtype=torch.float32)
    routes, errors = checked_routes(["torch_full", "summed_first"], problem)
    assert all(route.run().dtype == torch.float32 for route in routes.values())
    assert all(1e-9 < error < 1e-4 for error in errors.values())
    assert why_left_out("numpy_only", torch.float32) == "it computes in float64 alone"


def test_a_mode_with_other_numbers_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem(simple_cubic((1, 2, 2)), max_angular=2)
    right = prepare("torch_full", problem)
    wrong = Route(lambda: (1 + 1e-8) * right.run(), right.coefficients)
    monkeypatch.setattr(modes, "prepare", lambda mode, problem: wrong)
    with pytest.raises(AssertionError, match=r"torch_full differ by 1\.0e-08 of the largest"):
        checked_routes(["torch_full"], problem)


def test_relabelling_changes_the_types_alone() -> None:
    one, three = (simple_cubic((2, 2, 2), n_species) for n_species in (1, 3))
    assert torch.equal(one.positions, three.positions)
    assert torch.equal(one.orientations, three.orientations)
    assert torch.equal(one.semiaxes, three.semiaxes)
    assert one.types.unique().tolist() == [1]
    assert three.types.unique().tolist() == [1, 2, 3]


def test_slow_modes_stop_and_say_so() -> None:
    result = Result("size")
    stopwatch = Stopwatch(result, rounds=1, longest=1e-6)
    problem = Problem(simple_cubic((2, 2, 3)), max_angular=1)
    for _ in range(2):
        stopwatch.compare(["summed_first", "torch_full"], problem)
    assert [each.mode for each in result.measurements] == ["summed_first", "torch_full"]
    assert len(result.left_out) == 2
    assert "longer than the limit" in result.left_out[0]
    assert "12 particles" in result.left_out[0]


@needs_native
def test_numbers_of_threads_take_turns() -> None:
    result = Result("threads")
    problem = Problem(simple_cubic((1, 2, 2)), max_angular=1)
    before = torch.get_num_threads()
    Stopwatch(result, rounds=2, longest=1.0).compare(["native"], problem, threads=(1, 2))
    torch.set_num_threads(before)
    assert [each.threads for each in result.measurements] == [1, 2]
    assert all(len(each.times) == 2 for each in result.measurements)


def test_times_of_short_calls_are_those_of_one() -> None:
    calls = []
    times = interleaved_times({"short": lambda: calls.append(None)}, rounds=2)["short"]
    assert len(calls) > 1000
    assert max(each.processor for each in times) < 1e-4
