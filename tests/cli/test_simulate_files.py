"""The trajectory and the state of simulate: nothing is lost, and only what belongs together is continued."""

from pathlib import Path

import pytest

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import read_ellipsoids
from simulated_fluid import run_simulate as run

LENGTH = ("--length", 0.04)  # two frames
Printed = pytest.CaptureFixture[str]


def test_a_state_that_exists_is_kept(tmp_path: Path, fluid: EllipsoidData, capsys: Printed) -> None:
    (tmp_path / "out.state").write_text("my own notes")
    assert run(tmp_path, "out.xyz", *LENGTH) == 2
    assert "out.state exists already; use --overwrite" in capsys.readouterr().err
    assert (tmp_path / "out.state").read_text() == "my own notes"
    assert not (tmp_path / "out.xyz").exists()


def test_overwrite_replaces_both(tmp_path: Path, fluid: EllipsoidData) -> None:
    for name in ("one", "other"):
        assert run(tmp_path, f"{name}.xyz", *LENGTH, "--seed", 3 if name == "one" else 0) == 0
    assert run(tmp_path, "one.xyz", *LENGTH) == 2
    assert run(tmp_path, "one.xyz", *LENGTH, "--overwrite") == 0
    assert (tmp_path / "one.xyz").read_bytes() == (tmp_path / "other.xyz").read_bytes()
    for name in ("one", "other"):
        assert run(tmp_path, f"{name}.xyz", *LENGTH, "--restart") == 0
    assert (tmp_path / "one.xyz").read_bytes() == (tmp_path / "other.xyz").read_bytes()
    assert len(read_ellipsoids(tmp_path / "one.xyz")) == 4


def test_overwrite_without_a_frame_keeps_both(
    tmp_path: Path, fluid: EllipsoidData, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """A run that ends before its first frame leaves the files of the earlier one."""
    assert run(tmp_path, "out.xyz", *LENGTH) == 0
    before = [(tmp_path / name).read_bytes() for name in ("out.xyz", "out.state")]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("anisoap_e3nn.simulation.Langevin.run", interrupt)
    capsys.readouterr()
    assert run(tmp_path, "out.xyz", *LENGTH, "--overwrite") == 130
    assert capsys.readouterr().err.endswith("interrupted, nothing written\n")
    assert [(tmp_path / name).read_bytes() for name in ("out.xyz", "out.state")] == before


def test_overwrite_or_restart(tmp_path: Path, fluid: EllipsoidData, capsys: Printed) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, "out.xyz", *LENGTH, "--overwrite", "--restart")
    assert "not allowed with" in capsys.readouterr().err


def test_restart_without_the_trajectory(
    tmp_path: Path, fluid: EllipsoidData, capsys: Printed
) -> None:
    assert run(tmp_path, "out.xyz", *LENGTH) == 0
    (tmp_path / "out.xyz").rename(tmp_path / "moved.xyz")
    assert run(tmp_path, "out.xyz", *LENGTH, "--restart") == 2
    assert "out.state without" in capsys.readouterr().err
    assert not (tmp_path / "out.xyz").exists()


def test_restart_with_the_state_of_another_run(
    tmp_path: Path, fluid: EllipsoidData, capsys: Printed
) -> None:
    """Also of the same run, but an earlier one of its parts."""
    assert run(tmp_path, "out.xyz", *LENGTH) == 0
    early = (tmp_path / "out.state").read_bytes()
    assert run(tmp_path, "out.xyz", *LENGTH, "--restart") == 0
    assert run(tmp_path, "other.xyz", *LENGTH, "--seed", 1) == 0
    whole = (tmp_path / "out.xyz").read_bytes()
    for state in (early, (tmp_path / "other.state").read_bytes()):
        (tmp_path / "out.state").write_bytes(state)
        capsys.readouterr()
        assert run(tmp_path, "out.xyz", *LENGTH, "--restart") == 2
        assert "another last frame" in capsys.readouterr().err
        assert (tmp_path / "out.xyz").read_bytes() == whole


def test_restart_after_a_crash(tmp_path: Path, fluid: EllipsoidData) -> None:
    """The process died after half of a frame, or after a frame and before its state."""
    assert run(tmp_path, "whole.xyz", "--length", 0.08) == 0
    expected = (tmp_path / "whole.xyz").read_bytes()
    frame = len(expected) // 4
    for extra in (frame // 2, frame - 1):
        name = f"after{extra}.xyz"
        assert run(tmp_path, name, *LENGTH) == 0
        with (tmp_path / name).open("ab") as file:
            file.write(expected[-extra:])
        assert run(tmp_path, name, *LENGTH, "--restart") == 0
        assert (tmp_path / name).read_bytes() == expected
    assert run(tmp_path, "complete.xyz", *LENGTH) == 0
    state = (tmp_path / "complete.state").read_bytes()
    assert run(tmp_path, "complete.xyz", "--length", 0.02, "--restart") == 0
    (tmp_path / "complete.state").write_bytes(state)
    assert run(tmp_path, "complete.xyz", *LENGTH, "--restart") == 0
    assert (tmp_path / "complete.xyz").read_bytes() == expected


def test_restart_from_the_trajectory_itself(tmp_path: Path, fluid: EllipsoidData) -> None:
    assert run(tmp_path, "out.xyz", *LENGTH) == 0
    (tmp_path / "out.xyz").rename(tmp_path / "start.xyz")
    (tmp_path / "out.state").rename(tmp_path / "start.state")
    assert run(tmp_path, "start.xyz", *LENGTH, "--restart") == 0
    assert len(read_ellipsoids(tmp_path / "start.xyz")) == 4


def test_restart_from_no_state(tmp_path: Path, fluid: EllipsoidData, capsys: Printed) -> None:
    assert run(tmp_path, "out.xyz", *LENGTH) == 0
    for content in (b"my own notes", (tmp_path / "model.pt").read_bytes()):
        (tmp_path / "out.state").write_bytes(content)
        capsys.readouterr()
        assert run(tmp_path, "out.xyz", *LENGTH, "--restart") == 2
        assert "out.state is not a state of dynamics" in capsys.readouterr().err
