"""The benchmark study from the command to its table and figures."""

import csv
import json
import pstats
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from anisoap_e3nn.interop.anisoap import EllipsoidalDensityProjection
from benchmarks.__main__ import STUDY
from benchmarks.study.__main__ import BENCHMARKS
from benchmarks.study.aggregate import aggregate
from benchmarks.study.environment import THREAD_VARIABLES, environment, pinned
from benchmarks.study.modes import Problem, why_left_out
from benchmarks.study.modules import LEFT_OUT, MODULES
from benchmarks.study.peers import density_projection
from benchmarks.study.profiling import write_profile
from benchmarks.study.results import Measurement, Result, read_results
from benchmarks.systems import simple_cubic
from benchmarks.timing import Elapsed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one stored benchmark."""
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    result = Result("species")
    times = [Elapsed(wall=5e-6, processor=1e-6 * each) for each in (3, 1, 2)]
    for n_species in (1, 2):
        measured = Measurement("native", times, n_particles=10, n_pairs=100, n_species=n_species)
        result.measurements.append(measured)
    result.leave_out("triton", "no NVIDIA GPU")
    result.leave_out("triton", "no NVIDIA GPU")
    result.write(tmp_path, environment(), quick=True)
    return tmp_path


def test_a_result_has_median_spread_machine_and_versions(results: Path) -> None:
    stored = read_results(results)["species"]
    assert stored["left_out"] == ["triton: no NVIDIA GPU"]
    row = stored["measurements"][0]
    assert (row["clock"], row["median"], row["median_wall"]) == ("processor", 2e-6, 5e-6)
    assert (row["lower_quartile"], row["upper_quartile"]) == pytest.approx((1.5e-6, 2.5e-6))
    assert row["ns_per_pair"] == pytest.approx(20)
    assert row["ns_per_n2"] == pytest.approx(20)
    machine = stored["environment"]
    assert torch.__version__.startswith(machine["versions"]["torch"])
    assert set(machine["threads"].values()) == {"1"}
    assert machine["cpu"]
    assert machine["blas_of_torch"]
    assert machine["revision"]


def test_several_threads_are_timed_by_the_wall() -> None:
    times = [Elapsed(wall=1.0, processor=2.0)]
    record = Measurement("native", times, n_particles=1, n_pairs=1, threads=2).summary()
    assert (record["clock"], record["median"]) == ("wall", 1.0)


def test_the_table_has_a_row_for_each_measurement(results: Path) -> None:
    with aggregate(results).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["n_species"] for row in rows] == ["1", "2"]
    assert rows[0]["benchmark"] == "species"
    assert torch.__version__.startswith(rows[0]["torch"])
    assert float(rows[0]["median"]) == 2e-6


def test_figures_are_drawn_of_what_is_stored(results: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from benchmarks.study.figures import FIGURES, draw

    assert set(FIGURES) == set(STUDY)
    assert draw(results, results / "figures") == [results / "figures" / "species.png"]


def test_without_results_the_message_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m benchmarks run"):
        read_results(tmp_path)


def test_free_threads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("MKL_NUM_THREADS")
    with pytest.raises(RuntimeError, match="MKL_NUM_THREADS are not set"):
        environment()
    assert pinned(2)["MKL_NUM_THREADS"] == "2"


def test_every_module_is_run_or_left_out_for_a_reason() -> None:
    assert set(STUDY) == set(BENCHMARKS)
    with_main = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if path.stem != "__main__" and '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert len(with_main) > 10
    assert with_main == {*MODULES, *LEFT_OUT}


def test_a_calculator_with_anisoaps_interface_is_checked() -> None:
    problem = Problem(simple_cubic((1, 2, 2), n_species=1), max_angular=2)
    density_projection(problem, EllipsoidalDensityProjection)()
    problem.system.semiaxes = 1.01 * problem.system.semiaxes
    with pytest.raises(AssertionError, match="coefficients of l = 0 differ"):
        density_projection(problem, EllipsoidalDensityProjection)


def test_a_profile_of_torch_has_its_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)  # no py-spy
    threads = torch.get_num_threads()
    table, trace = write_profile("summed_first", 2, tmp_path)
    torch.set_num_threads(threads)
    assert "summed_first" in table.read_text(encoding="utf-8")
    names = {event["name"] for event in json.loads(trace.read_text())["traceEvents"]}
    assert {"summed_first", "aten::index_add"} <= names


def test_a_profile_of_the_loop_has_its_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why := why_left_out("numpy_only"):
        pytest.skip(why)
    monkeypatch.setattr("shutil.which", lambda name: None)
    threads = torch.get_num_threads()
    table, stats = write_profile("numpy_only", 2, tmp_path)
    torch.set_num_threads(threads)
    assert "gaussian_parameters" in table.read_text(encoding="utf-8")
    assert any(name == "expand_pairs" for _, _, name in pstats.Stats(str(stats)).stats)


@pytest.mark.slow
def test_one_command_measures_aggregates_and_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "stages"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stored = json.loads((tmp_path / "stages.json").read_text())
    times = {row["mode"]: row["median"] for row in stored["measurements"]}
    assert times["torch_full"] > 0
    assert {"measurements.csv", "figures"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "figures" / "stages.png").stat().st_size > 1000
