"""Files that are no checkpoints, or do not fit this package, are refused, and no code in them is run."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from anisoap_e3nn.potentials import load_model


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    contents = torch.load(path, weights_only=True)
    change(contents)
    torch.save(contents, path)


class Harmful:
    def __reduce__(self) -> Any:
        return print, ("code of a checkpoint was run",)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"not a checkpoint\n",
        pickle.dumps({"format": "anisoap-e3nn model"}, protocol=2),
        pickle.dumps(Harmful(), protocol=2),
    ],
    ids=["empty", "text", "pickle", "code"],
)
def test_other_files_are_refused(
    contents: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(contents)
    with pytest.raises(
        ValueError,
        match=r"model.pt(, written with None,)? (is not a checkpoint|has format version None)",
    ):
        load_model(path)
    assert capsys.readouterr().out == ""


def test_code_in_a_checkpoint_is_not_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(path, lambda contents: contents.update(extra=Harmful()))
    with pytest.raises(ValueError, match="is not a checkpoint, or damaged"):
        load_model(path)
    assert capsys.readouterr().out == ""


def test_cut_files_and_other_tensors_are_refused(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is not a checkpoint, or damaged"):
        load_model(path)
    torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(ValueError, match="is not a checkpoint of anisoap-e3nn"):
        load_model(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_model(tmp_path / "absent.pt")


def test_other_format_versions_are_refused(path: Path) -> None:
    rewrite(path, lambda contents: contents.update(format_version=3, versions="anisoap-e3nn 9.9"))
    with pytest.raises(
        ValueError, match=r"with anisoap-e3nn 9\.9, has format version 3, expected 1 to 2"
    ):
        load_model(path)


def describe_differently(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def rewritten(contents: dict[str, Any]) -> None:
        described = json.loads(contents["model"])
        change(described)
        contents["model"] = json.dumps(described)

    return rewritten


def pair_arguments(described: Any) -> Any:
    return described["arguments"]["components"][1]["arguments"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda x: x.update({"class": "GaussianProcess"}),
            "GaussianProcess belongs to a package that is not",
        ),
        (
            lambda x: x.update({"class": "anisoap_e3nn.GaussianProcess"}),
            "found no class 'anisoap_e3nn.GaussianProcess'",
        ),
        (
            lambda x: x.update({"class": "anisoap_e3nn.fitting.fit_linear"}),
            "found no class 'anisoap_e3nn.fitting.fit_linear'",
        ),
        (
            lambda x: x.update({"class": "anisoap_e3nn.a.b"}),
            "found no class 'anisoap_e3nn.a.b': ",
        ),
        (lambda x: x.update({"class": "os.system"}), "os.system belongs to a package that is not"),
        (
            lambda x: pair_arguments(x).update(spin=0.5),
            "PairPotential has other hyperparameters in this version: .*'spin'",
        ),
        (
            lambda x: pair_arguments(x).pop("cutoff"),
            "PairPotential has other hyperparameters in this version: .*'cutoff'",
        ),
        (lambda x: pair_arguments(x).update(cutoff=-1.0), "cannot be read with .* cutoff"),
        (
            lambda x: pair_arguments(x).update(cutoff=4.5),
            r"other hyperparameters: cutoff=4\.0 \(here 4\.5\)",
        ),
        (lambda x: pair_arguments(x).update(n_radial=5), r"weights' of shape \(\d+,\) instead of"),
        (
            lambda x: x["arguments"]["components"].pop(),
            "found an unknown 'components.2._extra_state', an unknown 'components.2.weights'",
        ),
    ],
)
def test_other_hyperparameters_are_refused(
    path: Path, change: Callable[[Any], Any], message: str
) -> None:
    rewrite(path, describe_differently(change))
    with pytest.raises(ValueError, match=message):
        load_model(path)


def test_missing_and_unexpected_tensors_are_refused(path: Path) -> None:
    rewrite(path, lambda contents: contents["state"].pop("components.1.weights"))
    with pytest.raises(ValueError, match=r"stack\.pt.* found no 'components\.1\.weights'"):
        load_model(path)
    rewrite(path, lambda contents: contents.pop("state"))
    with pytest.raises(ValueError, match=r"is damaged: found no \['state'\]"):
        load_model(path)
