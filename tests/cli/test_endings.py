"""How the command ends: one line and a code, whatever happens."""

import argparse
import lzma
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import anisoap_e3nn
from anisoap_e3nn import cli

EXPANSION = ["--cutoff", "4", "--max-angular", "2", "--radial-gaussian-width", "1.5"]
FRAME = "1\nProperties=species:S:1:pos:R:3\nC 0 0 0\n"
unix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and names of Unix")


def run(capsys, *words):
    code = cli.main(["featurize", *map(str, words)])
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xyz.gz", b"\x1f\x8b\x08\x00"),
        ("a.xyz.bz2", b"BZh9 and no more"),
        ("a.xyz.xz", lzma.compress(FRAME.encode())[:40]),
        ("a.dump.gz", b"no archive"),
        ("a.xyz", b"-1\n\n"),
        ("a.xyz", b"1\n\nC 0 *** 0\n"),
        ("a.xyz", b"1\n\nC 0 0 \xff\n"),
        ("a.xyz", b"\n\n"),
        ("a.dump", b"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n-3\n"),
        ("a.data", b"\nLAMMPS\n"),
        ("conf.dat", b"t = 0\nb = 1 1 1\nE = 0 0 0\n"),
        ("a.cif", b"data_x\nloop_\n_a\n_b\n1\n"),
        ("a.db", b"SQLite format 3\0"),
        ("a.json", b'{"1": {'),
        ("a.traj", b"- of Ulm"),
        ("a.gsd", b"gsd"),
        ("OUTCAR", b"vasp.5\n"),
    ],
)
@pytest.mark.parametrize("words", [[], ["--types", "6"], ["--coarse-grain"]])
def test_damaged_files_get_one_line_and_code_2(tmp_path, capsys, name, content, words):
    path, output = tmp_path / name, tmp_path / "out.npz"
    path.write_bytes(content)
    sizes = [] if "--coarse-grain" in words else ["--semiaxes", "1"]
    code, printed = run(capsys, path, "-o", output, *EXPANSION, *sizes, *words)
    assert code == 2
    assert printed.err.startswith("anisoap-e3nn: error: ")
    assert printed.err.count("\n") == 1
    assert name in printed.err
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_messages_of_several_lines_get_one(tmp_path, capsys):
    code, printed = run(capsys, tmp_path / "no\nsuch.xyz", "-o", tmp_path / "o.npz", *EXPANSION)
    assert code == 2
    assert "no such.xyz" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.filterwarnings("default")
def test_warnings_of_readers_get_one_line(tmp_path, capsys):
    path, output = tmp_path / "a.xyz", tmp_path / "out.npz"
    path.write_text("1\nProperties=species:S:1:pos:R:3:c_shape:R:3\nC 0 0 0 1 1 1\n" * 3)
    code, printed = run(capsys, path, "-o", output, *EXPANSION)
    assert code == 0
    assert printed.err.startswith("anisoap-e3nn: warning: found the sizes 'c_shape'")
    assert printed.err.count("\n") == 1


def test_deprecations_within_libraries_are_not_printed(capsys, monkeypatch):
    def run_command(options: argparse.Namespace) -> None:
        warnings.warn("`torch.jit.script` is deprecated", FutureWarning, stacklevel=1)

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=run_command)
    monkeypatch.setattr(sys.modules[cli.main.__module__], "_parser", lambda: parser)
    assert cli.main([]) == 0
    assert capsys.readouterr().err == ""


@unix
@pytest.mark.parametrize("suffix", ["npz", "mts"])  # .pt is written as .npz is
def test_names_that_are_not_utf8(tmp_path, capsys, suffix):
    if suffix == "mts":
        pytest.importorskip("metatensor", reason="metatensor is not installed")
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    source, output = (
        folder / os.fsdecode(b"in\xff.xyz"),
        folder / os.fsdecode(b"out\xfe." + suffix.encode()),
    )
    source.write_text(FRAME * 3)
    words = [source, *EXPANSION, "--semiaxes", "1", "-o", output]
    if suffix != "npz":  # writers differ, what is printed does not
        code, printed = run(capsys, *words)
        assert (code, printed.err) == (0, "")
        assert sorted(folder.iterdir()) == sorted([source, output])
        return
    command = [sys.executable, "-m", "anisoap_e3nn.cli", "featurize", *words]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"caf\udce9/out\udcfe" in done.stdout
    assert sorted(folder.iterdir()) == sorted([source, output])
    with np.load(output) as file:
        assert len(file["features"]) == 3
    code, printed = run(capsys, *words)
    assert code == 2
    assert printed.err.startswith("anisoap-e3nn: error: ")
    assert "exists already" in printed.err
    assert printed.err.count("\n") == 1


# says when the parts are written, then waits in the middle of the work
WAITING = """
import sys, time
from anisoap_e3nn import cli
from anisoap_e3nn.data.files.output_file import OutputFile
def wait(*_):
    print("ready", flush=True)
    time.sleep(60)
OutputFile._finish = wait
sys.exit(cli.main(sys.argv[1:]))
"""


def heed_interrupts() -> None:
    """Shells start jobs in the background with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@unix
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        ("SIGTERM", 128 + 15, "ended by SIGTERM, nothing written"),
        ("SIGHUP", 128 + 1, "ended by SIGHUP, nothing written"),
        ("SIGINT", 130, "interrupted, nothing written"),
    ],
)
def test_signals_leave_no_temporary_folder(tmp_path, number, code, said):
    source, output = tmp_path / "in.xyz", tmp_path / "out.npz"
    source.write_text(FRAME)
    output.write_text("the old one")
    words = ["featurize", source, "-o", output, "--overwrite", "--semiaxes", "1", *EXPANSION]
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert len(list(tmp_path.iterdir())) == 3
    process.send_signal(getattr(signal, number))
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert err.splitlines()[-1] == f"anisoap-e3nn: {said}"
    assert "Traceback" not in err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.xyz", "out.npz"]
    assert output.read_text() == "the old one"


def test_handlers_of_others_are_left_alone(tmp_path, capsys, monkeypatch):
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        run(capsys, tmp_path / "absent.xyz", "-o", tmp_path / "out.npz", *EXPANSION)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, handler)
    run(capsys, tmp_path / "absent.xyz", "-o", tmp_path / "out.npz", *EXPANSION)
    assert signal.getsignal(signal.SIGTERM) is handler


@unix
def test_ctrl_c_while_importing_prints_no_traceback(tmp_path):
    (tmp_path / "torch.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys, anisoap_e3nn_command as c; sys.exit(c.main())", "--version"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT  # a shell says 130
    assert err == ""


def test_the_command_starts_apart_from_the_package():
    """Otherwise torch is imported before the entry point can do anything about Ctrl-C."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    (entry,) = re.findall(r'^anisoap-e3nn = "(\w+):main"$', project, re.MULTILINE)
    code = f"import sys, {entry} as c; print('torch' in sys.modules); sys.exit(c.main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", anisoap_e3nn.__version__]
