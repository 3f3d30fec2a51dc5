"""Checkpoints: the same model comes back, and nothing else is taken for one."""

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
        lambda: ManyBodyPotential([6, 1], 4.0, 2, None),
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


def test_views_do_not_bring_their_whole_storage(tmp_path: Path) -> None:
    potential = OneBodyPotential([0, 1])
    potential.weights.data = torch.zeros(10**6)[: potential.weights.numel()].view_as(
        potential.weights
    )
    save_model(potential, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 10**4


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
