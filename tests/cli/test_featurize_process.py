"""``anisoap-e3nn featurize`` as a process: its memory, and what a terminal shows."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import anisoap_e3nn
from anisoap_e3nn import cli
from featurized_files import EXPANSION, write_frames


def command(*words):
    return [sys.executable, "-m", "anisoap_e3nn.cli", "featurize", *map(str, words)]


def peak_private_memory(*words):
    """Largest memory in bytes of a process that is its own, leaving out files mapped into it."""
    process = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL)
    status = Path(f"/proc/{process.pid}/status")
    peak = 0
    while process.poll() is None:
        for line in status.read_text().splitlines():
            if line.startswith("RssAnon:"):
                peak = max(peak, int(line.split()[1]) * 1024)
        time.sleep(0.002)
    assert process.returncode == 0
    return peak


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc of Linux")
@pytest.mark.parametrize("suffix", ["npz", "mts"])  # .pt is written as .npz is
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path, suffix):
    if suffix == "mts":
        pytest.importorskip("metatensor", reason="metatensor is not installed")
    words = ["--cutoff", "1", "--max-angular", "2", "--radial-gaussian-width", "1.5"]
    words += ["--types", *range(1, 121), "--threads", "1"]  # many types make long features cheaply
    short = write_frames(tmp_path / "short.xyz", [20] * 60)
    long = tmp_path / "long.xyz"
    long.write_text(short.read_text() * 8)
    outputs = tmp_path / f"short.{suffix}", tmp_path / f"long.{suffix}"
    before = peak_private_memory(short, "-o", outputs[0], *words)
    after = peak_private_memory(long, "-o", outputs[1], *words)
    grown = outputs[1].stat().st_size - outputs[0].stat().st_size
    assert grown > 37e6
    assert after - before < grown / 4


def _read(terminal):
    try:
        return os.read(terminal, 100_000).decode()
    except BlockingIOError:
        return ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of Unix")
def test_a_terminal_shows_progress_with_rate_and_time_left(tmp_path, source):
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    process = subprocess.Popen(
        command(source, "-o", tmp_path / "out.npz", *EXPANSION), stdout=subprocess.PIPE, stderr=end
    )
    assert process.communicate()[0].startswith(b"wrote")
    os.set_blocking(terminal, False)
    shown = ""
    while chunk := _read(terminal):
        shown += chunk
    os.close(terminal)
    os.close(end)
    assert "find types: 0frame" in shown
    assert "featurize: 100%" in shown
    assert "5/5 [00:0" in shown
    assert "frame/s]" in shown


def test_version_and_help(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == anisoap_e3nn.__version__
    with pytest.raises(SystemExit):
        cli.main(["featurize", "--help"])
    assert "--radial-gaussian-width" in capsys.readouterr().out
