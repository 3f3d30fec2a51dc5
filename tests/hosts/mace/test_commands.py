"""anisoap-e3nn mace-train, from a configuration to a model in a fresh process."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import ROOT, largest_difference, run, succeed, write_sets

CHANGES: dict[str, Any] = {
    "train_file": "train.xyz",
    "valid_file": "val.xyz",
    "test_file": "test.xyz",
    "anisoap": {"embedding": {"max_angular": 3}, "edge_orientations": True},
    "r_max": 2.5,
    "num_channels": 4,
    "radial_MLP": "[8]",
    "MLP_irreps": "4x0e",
    "batch_size": 8,  # all frames, so that their order does not matter
    "max_num_epochs": 3,
    "eval_interval": 1,
    "ema": False,  # with it checkpoints hold averaged weights, from which a resumed training starts
    "default_dtype": "float64",
}
EVALUATE = """
import json, sys
from ase.io import read
from anisoap_e3nn.interop.mace import AniSOAPMACECalculator as Calculator
atoms = read("test.xyz", 0)
atoms.calc = Calculator(sys.argv[1], default_dtype="float64")
print("RESULT" + json.dumps({
    "energy": float(atoms.get_potential_energy()),
    "forces": atoms.get_forces().tolist(),
    "torques": atoms.calc.get_property("torques", atoms).tolist(),
}))
"""


def write_configuration(folder: Path, **changes: Any) -> None:
    example = yaml.safe_load((ROOT / "examples" / "mace" / "fluid.yaml").read_text())
    options = {**example, **CHANGES, **changes}
    (folder / "model.yaml").write_text(yaml.safe_dump(options))


def train(folder: Path, *options: str) -> str:
    return succeed(["anisoap-e3nn", "mace-train", "model.yaml", *options], folder)


def losses(folder: Path) -> list[float]:
    """Losses on the validation set after each epoch."""
    lines = (folder / "results" / "fluid_run-1_train.txt").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["loss"] for row in rows if row["mode"] == "eval" and row["epoch"] is not None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, and a model that was trained for three epochs."""
    folder = tmp_path_factory.mktemp("mace")
    write_sets(folder)
    write_configuration(folder)
    assert "Measured features on 8 training frames" in train(folder)
    return folder


def test_resumed_training_gives_the_same_curve(folder: Path, tmp_path: Path) -> None:
    for name in ("train.xyz", "val.xyz", "test.xyz", "model.yaml"):
        (tmp_path / name).write_text((folder / name).read_text())
    train(tmp_path, "--max_num_epochs", "1")
    train(
        tmp_path, "--restart_latest", "--max_num_epochs", "2"
    )  # MACE repeats the number of an epoch
    once, again = losses(folder), losses(tmp_path)
    assert len(once) == 3
    assert again == pytest.approx(once, rel=1e-9)
    assert once[-1] < 0.9 * once[0]


def test_loaded_in_a_fresh_process(folder: Path) -> None:
    import torch
    from ase.io import read

    from anisoap_e3nn.interop.mace import AniSOAPMACECalculator

    command = ["python", "-W", "ignore", "-c", EVALUATE, "fluid.model"]
    output = succeed(command, folder)
    fresh = json.loads(output.split("RESULT")[1].splitlines()[0])
    model = torch.load(folder / "fluid.model", weights_only=False)
    atoms = read(folder / "test.xyz", 0)
    calculator = AniSOAPMACECalculator(models=model, default_dtype="float64")
    atoms.calc = calculator
    here = {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "torques": calculator.get_property("torques", atoms),
    }
    for name in here:
        assert largest_difference(fresh, here, name) < 1e-10
    atoms.arrays["orientations"][0] = [1.0, 0.2, 0.3, 0.4]
    assert largest_difference({"forces": atoms.get_forces()}, here, "forces") > 1e-6
    del atoms.arrays["semiaxes"]
    with pytest.raises(ValueError, match="atoms: found no 'semiaxes'"):
        atoms.get_forces()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("orientations:R:4", "quats:R:4"), r"train.xyz, frame 0: found no 'orientations'"),
        (("torques:R:3", "turns:R:3"), r"train.xyz, frame 0: found no 'torques'"),
    ],
)
def test_faulty_files_are_refused_before_training(
    folder: Path, tmp_path: Path, damage: tuple[str, str], message: str
) -> None:
    for name in ("train.xyz", "val.xyz", "test.xyz", "model.yaml"):
        (tmp_path / name).write_text((folder / name).read_text().replace(*damage))
    done = run(["anisoap-e3nn", "mace-train", "model.yaml"], tmp_path)
    assert done.returncode == 2
    assert re.search(message, done.stderr)
    assert not (tmp_path / "checkpoints").exists()


def test_other_types_in_test_files_are_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("train.xyz", "val.xyz", "model.yaml"):
        (tmp_path / name).write_text((folder / name).read_text())
    (tmp_path / "test.xyz").write_text((folder / "test.xyz").read_text().replace("X ", "He "))
    done = run(["anisoap-e3nn", "mace-train", "model.yaml"], tmp_path)
    assert done.returncode == 2
    assert "test.xyz, frame 0: particle 0 is 'He'" in done.stderr


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({"loss": "huber"}, [], "loss is 'huber', expected weighted or stress"),
        ({}, ["--loss", "huber"], "loss is 'huber', expected weighted or stress"),
        ({}, ["--model", "MACE"], "model is 'MACE', expected ScaleShiftMACE"),
        ({"enable_cueq": True}, [], "found enable_cueq=True, which does not go with ellipsoids"),
        ({}, ["--enable_oeq", "True"], "found enable_oeq=True, which does not go with"),
        ({"embedding_specs": "{}"}, [], "found embedding_specs, which does not go with"),
        ({"anisoap": {"edges": True}}, [], "found edges in the section anisoap"),
        (
            {"anisoap": {"embedding": {"max_angulr": 3}}},
            [],
            "'max_angulr' in embedding; did you mean",
        ),
        (
            {"anisoap": {"embedding": {"cutoff": 3.0}}},
            [],
            "found 'cutoff' in embedding, expected it from",
        ),
        (
            {"anisoap": {"node_embedding": "shape", "embedding": {"max_angular": 3}}},
            [],
            "found node_embedding: shape with the hyperparameters",
        ),
        ({"batch_size": 9}, [], "found 8 training frames, expected at least batch_size, 9"),
    ],
)
def test_options_that_do_not_go_with_ellipsoids(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    arguments: list[str],
    message: str,
) -> None:
    from anisoap_e3nn.interop.mace.training import train

    for name in ("train.xyz", "val.xyz", "test.xyz"):
        (tmp_path / name).write_text((folder / name).read_text())
    write_configuration(tmp_path, **changes)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        train("model.yaml", arguments)


def test_without_weight_files_need_no_torques(folder: Path, tmp_path: Path) -> None:
    for name in ("train.xyz", "val.xyz", "test.xyz"):
        text = (folder / name).read_text().replace("torques:R:3", "turns:R:3")
        (tmp_path / name).write_text(text)
    write_configuration(
        tmp_path, anisoap={"embedding": {"max_angular": 3}, "torques_weight": 0}, max_num_epochs=1
    )
    train(tmp_path)
    assert (tmp_path / "fluid.model").exists()
