"""Checkpoints: the same model comes back, and nothing else is taken for one."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.nn import PolynomialCutoff
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    ParticleShapes,
    StackedPotential,
    load_model,
    mechanics,
    save_model,
)
from anisoap_e3nn.testing import check_checkpoint


@pytest.fixture
def stack() -> StackedPotential:
    torch.manual_seed(3)
    pair = PairPotential([6, 1], cutoff=4.0, n_radial=4, max_degree=2)
    wide = PairPotential([1, 6], cutoff=5.0, n_radial=3, max_degree=0, decay_length=0.9)
    stack = StackedPotential([OneBodyPotential([1, 6]), pair, wide])
    for parameter in stack.parameters():
        torch.nn.init.normal_(parameter)
    return stack


@pytest.fixture
def path(stack: StackedPotential, tmp_path: Path) -> Path:
    save_model(stack, tmp_path / "stack.pt")
    return tmp_path / "stack.pt"


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    contents = torch.load(path, weights_only=True)
    change(contents)
    torch.save(contents, path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_the_same_model_comes_back(
    stack: StackedPotential,
    tmp_path: Path,
    frames: dict[str, EllipsoidData],
    dtype: torch.dtype,
    default: torch.dtype,
) -> None:
    stack = stack.to(dtype)
    data = frames["periodic"]
    for name in ("pos", "orientations", "semiaxes", "cell"):
        data[name] = data[name].to(dtype)
    torch.set_default_dtype(default)  # whatever it is
    check_checkpoint(stack, data, tmp_path)
    assert torch.get_default_dtype() == default


@pytest.mark.parametrize(
    "build",
    [
        lambda: ManyBodyPotential([6, 1], 4.0, max_angular=2),
        lambda: ManyBodyPotential([6, 1], 4.0, max_angular=2, max_radial=[1, 1, 0], hidden=(5,)),
        lambda: NequIPStylePotential([6, 1], 4.0, irreps_hidden="2x0e + 2x1o", n_layers=1),
        lambda: MACEStylePotential([6, 1], 4.0, max_angular=2, n_channels=2, n_layers=1),
    ],
    ids=["many-body", "perceptron", "NequIP", "MACE"],
)
def test_every_component_comes_back(
    build: Callable[[], Any], tmp_path: Path, frames: dict[str, EllipsoidData]
) -> None:
    torch.manual_seed(4)
    stack = StackedPotential([build(), OneBodyPotential([6, 1])])
    for parameter in stack.parameters():
        torch.nn.init.normal_(parameter)
    assert stack(frames["periodic"]).abs().min() > 0
    check_checkpoint(stack, frames["periodic"], tmp_path)


def test_layers_come_back_with_their_maps(tmp_path: Path, frames: dict[str, EllipsoidData]) -> None:
    embedding = AniSOAPEmbedding(
        [6, 1],
        4.0,
        3,
        max_radial=[2, 1, 1, 0],
        radial_gaussian_width=1.2,
        cutoff_function=PolynomialCutoff(3.5, p=5),
        irreps_out="3x0e+2x1o",
    )
    before = torch.get_rng_state()
    check_checkpoint(embedding, frames["slab"], tmp_path)
    assert torch.equal(torch.get_rng_state(), before)  # though weights were drawn


def test_a_fresh_interpreter_knows_the_classes(path: Path) -> None:
    script = (
        f"from anisoap_e3nn.potentials import load_model; print(load_model({str(path)!r}).cutoff)"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "5.0"


def test_files_are_replaced_only_on_request_and_as_a_whole(
    stack: StackedPotential, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_model(stack, path)

    def full_disk(contents: Any, file: Path) -> None:
        file.write_bytes(b"half of it")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full_disk)
        with pytest.raises(OSError, match="no space left"):
            save_model(stack, path, overwrite=True)
    assert path.read_bytes() == before
    assert [x.name for x in path.parent.iterdir()] == [path.name]  # nothing is left beside it

    with torch.no_grad():
        stack.components[0].weights += 1
    save_model(stack, path, overwrite=True)
    loaded = load_model(path)
    assert torch.equal(loaded.components[0].weights, stack.components[0].weights)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_model(stack, path.parent / "absent" / "model.pt")


class Own(OneBodyPotential):
    """A potential of a package that has not registered itself."""


def test_only_what_can_be_read_again_is_written(tmp_path: Path) -> None:
    class Local(OneBodyPotential):
        pass

    path = tmp_path / "model.pt"
    with pytest.raises(TypeError, match=r"test_checkpoint.Own, .* give allow=\[Own\]"):
        save_model(StackedPotential([Own([0])]), path)
    with pytest.raises(TypeError, match=r"Local, which cannot be imported by that name"):
        save_model(Local([0]), path, allow=[Local])
    with pytest.raises(
        TypeError, match=r"cutoff_function of anisoap_e3nn.AniSOAPEmbedding is a torch"
    ):
        save_model(
            AniSOAPEmbedding(
                [0], 4.0, 1, radial_gaussian_width=1.0, cutoff_function=torch.nn.Tanh()
            ),
            path,
        )
    forgetful = OneBodyPotential([0])
    forgetful.hyperparameters = {}
    with pytest.raises(TypeError, match=r"of .*OneBodyPotential do not fit .*'types'"):
        save_model(forgetful, path)
    forgetful.hyperparameters = {"types": {0, 1}}
    with pytest.raises(
        TypeError, match=r"types of .*OneBodyPotential is \{0, 1\}, expected a value"
    ):
        save_model(forgetful, path)
    assert list(tmp_path.iterdir()) == []


def test_classes_that_the_caller_allows(tmp_path: Path) -> None:
    path, own = tmp_path / "model.pt", Own([3, 0])
    torch.nn.init.normal_(own.weights)
    save_model(StackedPotential([own]), path, allow=[Own])
    loaded = load_model(path, allow=[Own])
    assert type(loaded.components[0]) is Own
    assert torch.equal(loaded.components[0].weights, own.weights)
    with pytest.raises(
        ValueError, match=r"test_checkpoint.Own belongs to a package that is not registered"
    ):
        load_model(path)


def test_sequences_of_modules(tmp_path: Path, frames: dict[str, EllipsoidData]) -> None:
    shapes = ParticleShapes([6, 1], [[0.5, 0.9, 1.5], [0.4, 1.2, 0.8]])
    pair = PairPotential([6, 1], cutoff=4.0, n_radial=4, max_degree=2)
    model = torch.nn.Sequential(shapes, pair)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    check_checkpoint(model, frames["slab"], tmp_path)


def test_hyperparameters_of_numpy(tmp_path: Path) -> None:
    potential = PairPotential(np.array([6, 1]), np.float64(4.0), np.int64(4), np.int32(2))
    save_model(potential, tmp_path / "model.pt")
    same = PairPotential([6, 1], 4.0, 4, 2)
    assert repr(load_model(tmp_path / "model.pt")) == repr(same)


OLD = Path(__file__).parents[1] / "reference_data" / "models_0_1_0"


@pytest.mark.parametrize("file", sorted(OLD.glob("*.pt")), ids=lambda file: file.stem)
def test_models_of_version_0_1_0(file: Path, tmp_path: Path) -> None:
    """Files and figures were made by that version."""
    values = np.load(OLD / "values.npz")
    fields = ("pos", "orientations", "semiaxes", "types", "cell", "pbc")
    data = EllipsoidData(**{name: torch.from_numpy(values[name]) for name in fields})
    model = load_model(file).double()
    if file.stem == "power_spectrum":
        found = {file.stem: model(torch.from_numpy(values["power_spectrum_input"]))}
    elif file.stem.startswith("embedding"):
        found = {file.stem: model(data)}
    else:
        result = mechanics(model, data)
        names = ("energies", "forces", "torques", "virial")
        found = {f"{file.stem}_{name}": getattr(result, name) for name in names}
    for name, x in found.items():
        expected = torch.from_numpy(values[name])
        torch.testing.assert_close(
            x, expected, rtol=1e-12, atol=1e-12 * float(expected.abs().max())
        )
    save_model(model, tmp_path / "again.pt")
    assert repr(load_model(tmp_path / "again.pt")) == repr(model)


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
