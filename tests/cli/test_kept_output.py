"""Commands that keep part of their output say so when a signal ends them, and how they are continued."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile
from anisoap_e3nn.gay_berne import gay_berne_pairs
from simulated_fluid import run_simulate, simulate_command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals of Unix")

# says when a method is called for the last time, then waits in the middle of the work
WAITING = """
import sys, time
from anisoap_e3nn import cli
{imports}
original, calls = {owner}.{name}, []
def wait(*words, **options):
    calls.append(1)
    if len(calls) == {call}:
        print("ready", flush=True)
        time.sleep(60)
    return original(*words, **options)
{owner}.{name} = wait
sys.exit(cli.main(sys.argv[1:]))
"""
APPEND = {"imports": "from anisoap_e3nn.cli import trajectory", "owner": "trajectory.Trajectory"}
EPOCH = {
    "imports": "from anisoap_e3nn.training.module import MechanicsTraining",
    "owner": "MechanicsTraining",
}


def heed_interrupts() -> None:
    """Shells start jobs in the background with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(code: str, words: list[str], number: str) -> tuple[int, str]:
    """Exit code and last line of a process that is ended when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert process.stdout is not None
    assert "ready\n" in iter(process.stdout.readline, "")
    process.send_signal(getattr(signal, number))
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, err.splitlines()[-1]


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [("SIGTERM", 128 + 15, "ended by SIGTERM"), ("SIGINT", 130, "interrupted")],
)
def test_simulate(tmp_path: Path, fluid: EllipsoidData, number: str, code: int, said: str) -> None:
    output, words = tmp_path / "out.xyz", simulate_command(tmp_path, "out.xyz", "--length", "0.08")
    waiting = WAITING.format(**APPEND, name="append", call=3)
    kept = f"{output} has 2 new frames; continue with --restart"
    assert ended(waiting, words, number) == (code, f"anisoap-e3nn: {said}, {kept}")
    assert len(read_ellipsoids(output)) == 2
    assert run_simulate(tmp_path, "out.xyz", "--length", 0.04, "--restart") == 0
    assert run_simulate(tmp_path, "whole.xyz", "--length", 0.08) == 0
    assert output.read_bytes() == (tmp_path / "whole.xyz").read_bytes()


def test_simulate_before_a_new_frame(
    tmp_path: Path,
    fluid: EllipsoidData,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_simulate(tmp_path, "out.xyz", "--length", 0.02) == 0

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("anisoap_e3nn.simulation.Langevin.run", interrupt)
    assert run_simulate(tmp_path, "out.xyz", "--length", 0.02, "--restart") == 130
    expected = "interrupted, {} has no new frame; continue with --restart\n"
    assert capsys.readouterr().err.endswith(expected.format(tmp_path / "out.xyz"))


@pytest.mark.parametrize(
    ("number", "epoch", "said", "kept"),
    [
        (
            "SIGTERM",
            2,
            "ended by SIGTERM",
            "has all epochs that were complete; continue with --resume",
        ),
        ("SIGINT", 2, "interrupted", "has all epochs that were complete; continue with --resume"),
        ("SIGINT", 1, "interrupted", "has no model"),
    ],
)
def test_train(tmp_path: Path, number: str, epoch: int, said: str, kept: str) -> None:
    pytest.importorskip("lightning", reason="lightning is not installed")
    with ExtendedXYZFile(tmp_path / "pairs.xyz") as file:
        for pair in gay_berne_pairs(sizes=(8, 0, 0)).train:
            file.append(pair)
        file.finish()
    sizes = {"irreps_hidden": "2x0e", "n_layers": 1, "max_angular": 1, "max_radial": 1}
    settings = {
        "data": {"files": [str(tmp_path / "pairs.xyz")], "block": 2},
        "network": {"name": "NequIPStylePotential", "hyperparameters": {"cutoff": 4.0, **sizes}},
        "optimization": {"epochs": 3},
        "output": str(tmp_path / "run"),
    }
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(settings))
    words = ["train", str(tmp_path / "train.yaml")]
    code, line = ended(
        WAITING.format(**EPOCH, name="on_train_epoch_start", call=epoch), words, number
    )
    assert code == {"SIGTERM": 143, "SIGINT": 130}[number]
    assert line.startswith(f"anisoap-e3nn: {said}, ")
    assert line.endswith(f"{tmp_path / 'run'} {kept}")
    assert (tmp_path / "run" / "last.ckpt").is_file() == (epoch == 2)
