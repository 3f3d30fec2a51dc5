"""``anisoap-e3nn featurize`` refuses in words, and leaves no half of a file."""

import re
from pathlib import Path

import pytest

from anisoap_e3nn import cli
from anisoap_e3nn.cli import featurize
from featurized_files import EXPANSION, leftovers, load, run


def test_nothing_is_overwritten_without_being_asked(tmp_path, capsys, source):
    output = tmp_path / "out.npz"
    output.write_text("precious")
    code, printed = run(capsys, source, "-o", output, *EXPANSION)
    assert code == 2
    assert "exists already; use --overwrite to replace it" in printed.err
    assert output.read_text() == "precious"
    assert run(capsys, source, "-o", output, *EXPANSION, "--overwrite")[0] == 0
    assert load(output)["features"].shape[0] == 27


@pytest.mark.parametrize("name", ["out.npz", "out.pt", "out.mts"])
def test_an_error_midway_leaves_nothing_behind(tmp_path, capsys, source, name, monkeypatch):
    monkeypatch.setattr(featurize, "_BATCH_SIZE", 5)
    with source.open("a") as file:
        file.write("3\n\nX 0 0\n")
    output = tmp_path / name
    output.write_text("the old one")
    words = [source, "-o", output, *EXPANSION, "--types", 1, 6, "--overwrite"]
    if name.endswith("mts"):
        pytest.importorskip("metatensor", reason="metatensor is not installed")
    code, printed = run(capsys, *words)
    assert code == 2
    assert "in.xyz: the file ends early, expected 3 particles" in printed.err
    # as well where only reading the frame, not counting the frames, shows the damage
    source.write_text(source.read_text().removesuffix("3\n\nX 0 0\n") + "1\n\nH 0 0 here\n")
    code, printed = run(capsys, *words)
    assert code == 2
    assert "in.xyz, frame 5: " in printed.err
    assert output.read_text() == "the old one"
    assert leftovers(tmp_path) == []

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("anisoap_e3nn.data.files.output_file.OutputFile._finish", interrupt)
    source.write_text(source.read_text().removesuffix("1\n\nH 0 0 here\n"))
    code, printed = run(capsys, *words)
    assert code == 130
    assert "interrupted" in printed.err
    assert output.read_text() == "the old one"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent.xyz", "-o", "out.npz", *EXPANSION], "no such file: .*absent.xyz"),
        (["in.xyz", "-o", "out.mat", *EXPANSION], "the output 'out.mat', .* ends in one of .npz, .pt, .mts"),
        (["in.xyz", "-o", "nowhere/out.npz", *EXPANSION], "there is no folder nowhere"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--types", "1"], "unknown particle types .*6"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--cutoff", "-1"], "cutoff is -1"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--max-angular", "-1"], "max_angular"),
        (["in.xyz", "-o", "out.npz", *EXPANSION[:4]], "radial_gaussian_width"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--semiaxes", "1", "2"], "one radius or three"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--semiaxes", "a"], "--semiaxes is a, expected one radius"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--semiaxes", "1:2"], r"types \[6\], .* of semiaxes, \[1\]"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--pbc", "T", "F"], "--pbc is T F, expected T or F for all"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--pbc", "xy"], "--pbc is xy, expected T or F for all"),
        (["plain.xyz", "-o", "out.npz", *EXPANSION, "--semiaxes", "1", "--pbc", "T"],
         r"plain.xyz, frame 0: the cell vectors of the periodic axes \[0, 1, 2\]"),
        (["plain.xyz", "-o", "out.npz", *EXPANSION], "found no sizes .*; give them as semiaxes"),
        (["empty.xyz", "-o", "out.npz", *EXPANSION], "found no particles .* --types"),
        (["broken.gsd", "-o", "out.npz", *EXPANSION], "broken.gsd cannot be read as GSD"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--coarse-grain", "--semiaxes", "1"],
         "found --semiaxes with --coarse-grain"),
        (["in.xyz", "-o", "out.npz", *EXPANSION, "--molecule-types", "H2O=1"],
         "found --molecule-types without --coarse-grain"),
        (["ghosts.xyz", "-o", "out.npz", *EXPANSION, "--coarse-grain"],
         r"frame 0: found particles with no element \(X\)"),
    ],
)  # fmt: skip
def test_mistakes_get_one_line_and_exit_code_2(
    tmp_path, capsys, source, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path)
    Path("plain.xyz").write_text("1\n\nC 0 0 0\n")
    Path("ghosts.xyz").write_text("1\n\nX 0 0 0\n")
    Path("empty.xyz").write_text("")
    Path("broken.gsd").write_text("not a trajectory")
    code, printed = run(capsys, *words)
    assert code == 2
    assert printed.err.startswith("anisoap-e3nn: error: ")
    assert printed.err.count("\n") == 1
    assert re.search(message, printed.err), printed.err
    assert not Path("out.npz").exists()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "found '0', expected 1 or more"),
        (["--molecule-types", "H2O"], "found 'H2O', expected FORMULA=TYPE, such as C6H6=0"),
        (["--dtype", "float16"], "invalid choice: 'float16'"),
    ],
)
def test_words_that_cannot_be_understood(capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(["featurize", "in.xyz", "-o", "out.npz", *EXPANSION, *words])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
