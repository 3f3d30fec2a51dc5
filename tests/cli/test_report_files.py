"""Files of ``--json`` and ``--figure``: existing ones are kept, and all is checked before the work begins."""

import sys
from pathlib import Path

import pytest

from anisoap_e3nn import EllipsoidData, cli


@pytest.fixture(params=["evaluate", "analyse"])
def command(request: pytest.FixtureRequest, tmp_path: Path, fluid: EllipsoidData) -> list[str]:
    files = {"evaluate": ["model.pt", "start.xyz"], "analyse": ["start.xyz"]}[request.param]
    return [request.param, *(str(tmp_path / name) for name in files)]


@pytest.fixture
def no_work(command: list[str]) -> list[str]:
    """The command with files that do not exist, so errors of its output come before it reads them."""
    return [command[0], *(word + ".missing" for word in command[1:])]


@pytest.mark.parametrize(("option", "name"), [("--json", "out.json"), ("--figure", "out.png")])
def test_existing_files_are_kept(
    tmp_path: Path,
    command: list[str],
    no_work: list[str],
    option: str,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / name
    output.write_text("precious")
    assert cli.main([*no_work, option, str(output)]) == 2
    assert "exists already; use --overwrite to replace it" in capsys.readouterr().err
    assert output.read_text() == "precious"
    assert cli.main([*command, option, str(output), "--overwrite"]) == 0
    assert output.stat().st_size > 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json", "nofolder/out.json"], "there is no folder"),
        (["--figure", "nofolder/out.png"], "there is no folder"),
        (["--json", "."], "is a folder, expected a file"),
        (["--figure", "out.xyz"], "found the figure 'out.xyz', expected a name that ends in"),
        (["--figure", "out"], "found the figure 'out', expected a name that ends in"),
        (["--json", "out.svg", "--figure", "out.svg"], "for both --json and --figure"),
    ],
)
def test_wrong_names(
    tmp_path: Path,
    no_work: list[str],
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([*no_work, *words]) == 2
    assert message in capsys.readouterr().err


def test_figures_without_matplotlib(
    no_work: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main([*no_work, "--figure", "out.png"]) == 2
    assert 'pip install "anisoap-e3nn[viz]"' in capsys.readouterr().err


def test_formats_of_figures(tmp_path: Path, command: list[str]) -> None:
    for name in ("out.PNG", "out.svg", "out.pdf"):
        assert cli.main([*command, "--figure", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 100
