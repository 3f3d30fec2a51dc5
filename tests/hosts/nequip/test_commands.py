"""nequip's own commands, from training to a deployed model in a fresh process."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import ROOT, largest_difference, run, succeed, write_sets

OVERRIDES = [
    "train_file=train.xyz",
    "val_file=val.xyz",
    "test_file=test.xyz",
    "cutoff=2.5",
    "batch_size=2",
    "epochs=2",
    "+trainer.enable_progress_bar=false",
    "training_module.model.model_dtype=float64",
    "training_module.model.num_features=4",
    "training_module.model.l_max=1",
    "training_module.model.embedding={max_angular: 3}",
    "training_module.model.edge_orientations=false",
]
# in a process that has not imported this package before the model does
EVALUATE = """
import json, sys
from ase.io import read
from anisoap_e3nn.interop.nequip import AniSOAPNequIPCalculator as Calculator
path, species = sys.argv[1], {"X": "E"}
make = Calculator.from_compiled_model if path.endswith("pt2") else Calculator.from_saved_model
atoms = read("test.xyz", 0)
atoms.calc = make(path, chemical_species_to_atom_type_map=species)
print(json.dumps({
    "energy": float(atoms.get_potential_energy()),
    "forces": atoms.get_forces().tolist(),
    "torques": atoms.calc.get_property("torques", atoms).tolist(),
    "stress": atoms.get_stress().tolist(),
}))
"""


def train(folder: Path, *overrides: str) -> list[str]:
    configurations = str(ROOT / "examples" / "nequip")
    return ["nequip-train", "-cp", configurations, "-cn", "fluid", *OVERRIDES, *overrides]


def evaluate(path: str, folder: Path) -> Any:
    return json.loads(
        succeed(["python", "-W", "ignore", "-c", EVALUATE, path], folder).splitlines()[0]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, and a model that was trained for two epochs."""
    folder = tmp_path_factory.mktemp("nequip")
    write_sets(folder)
    output = succeed(train(folder, "hydra.run.dir=run"), folder)
    assert "measured features on 8 training frames" in output
    return folder


@pytest.fixture(scope="module")
def of_checkpoint(folder: Path) -> Any:
    return evaluate("run/last.ckpt", folder)


def test_training_measured_and_learned(folder: Path, of_checkpoint: Any) -> None:
    checkpoint = torch.load(folder / "run" / "last.ckpt", weights_only=False)
    state = checkpoint["state_dict"]
    scales = next(v for k, v in state.items() if k.endswith("neighbor_scales.scales"))
    assert not torch.equal(scales, torch.ones_like(scales))
    assert all(bool(v) for k, v in state.items() if k.endswith(".measured"))
    with next((folder / "run").rglob("metrics.csv")).open() as file:
        losses = [
            float(row["val0_epoch/torques"])
            for row in csv.DictReader(file)
            if row["val0_epoch/torques"]
        ]
    assert len(losses) == 2
    assert losses[0] != losses[1]
    assert max(map(abs, of_checkpoint["torques"][0])) > 0


def test_resumed_training_keeps_the_scales(folder: Path) -> None:
    resume = ["hydra.run.dir=resumed", "+ckpt_path=run/last.ckpt", "trainer.max_epochs=3"]
    output = succeed(train(folder, *resume, "run=[train,test]"), folder)
    assert "measured features" not in output
    before, after = (
        torch.load(folder / run / "last.ckpt", weights_only=False) for run in ("run", "resumed")
    )
    assert (before["epoch"], after["epoch"]) == (1, 2)
    scales = [k for k in before["state_dict"] if k.endswith(("scales.means", "scales.scales"))]
    assert len(scales) == 12
    for name in scales:
        assert torch.equal(before["state_dict"][name], after["state_dict"][name])


def test_packaged(folder: Path, of_checkpoint: Any) -> None:
    succeed(["nequip-package", "build", "run/last.ckpt", "model.nequip.zip"], folder)
    packaged = evaluate("model.nequip.zip", folder)
    for name in ("energy", "forces", "torques", "stress"):
        assert largest_difference(packaged, of_checkpoint, name) < 1e-12


def test_compiled(folder: Path, of_checkpoint: Any) -> None:
    options = ["--mode", "aotinductor", "--device", "cpu", "--target", "ellipsoids"]
    succeed(["nequip-compile", *options, "run/last.ckpt", "model.nequip.pt2"], folder)
    compiled = evaluate("model.nequip.pt2", folder)
    for name in ("energy", "forces", "torques", "stress"):
        assert largest_difference(compiled, of_checkpoint, name) < 1e-9


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("orientations:R:4", "quats:R:4"), r"train.xyz, frame 0: found no 'orientations'"),
        (("X ", "He "), r"train.xyz, frame 0: particle 0 is 'He', for which the model has no type"),
        (
            (r"(?m)^(X( +\S+){3})(.*\n)X( +\S+){3}", r"\1\3\1"),
            "particles 0 and 1 are in the same place",
        ),
    ],
    ids=["no orientations", "unknown type", "one place"],
)
def test_faulty_files_are_refused_before_training(
    folder: Path, tmp_path: Path, damage: tuple[str, str], message: str
) -> None:
    text = re.sub(*damage, (folder / "train.xyz").read_text())
    (tmp_path / "train.xyz").write_text(text)
    for name in ("val", "test"):
        (tmp_path / f"{name}.xyz").write_text((folder / f"{name}.xyz").read_text())
    done = run(train(tmp_path, "hydra.run.dir=run"), tmp_path)
    assert done.returncode != 0
    assert re.search(message, done.stderr)
    assert "TRAIN RUN START" not in done.stderr + done.stdout
