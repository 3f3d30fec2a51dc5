"""Train networks inside MACE with and without the density of ellipsoids, and print a table of errors.

    python examples/host_data.py data
    python examples/mace/compare.py pairs    # or fluid; --epochs 2 shows that it works

Errors are root mean squares on the test set, energies per particle, in reduced units.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase.io import read
from mace.calculators import MACECalculator

from anisoap_e3nn.interop.mace import AniSOAPMACECalculator

# name of the row, and the section `anisoap` of the configuration; None for MACE's own command
NETWORKS: dict[str, dict[str, Any] | None] = {
    "MACE, blind to orientations": None,
    "shape tensor": {"node_embedding": "shape", "embedding": {}, "edge_orientations": False},
    "shape tensor, oriented edges": {"node_embedding": "shape", "embedding": {}},
    "density": {"edge_orientations": False},
    "density, oriented edges": {},
}


def train(
    case: str, changes: dict[str, Any] | None, folder: Path, instead: dict[str, int | None]
) -> Path:
    """Train in the folder, with other numbers of the configuration, and return the model's file."""
    folder.mkdir(parents=True, exist_ok=True)
    options = yaml.safe_load((Path(__file__).parent / f"{case}.yaml").read_text())
    for name in ("train_file", "valid_file", "test_file"):
        options[name] = str(Path(options[name]).resolve())
    options |= {name: number for name, number in instead.items() if number is not None}
    section = options.pop("anisoap")
    command = ["mace_run_train", "--config", "model.yaml"]
    if changes is None:
        options["model"] = "ScaleShiftMACE"
    else:
        options["anisoap"] = {**section, **changes}
        command = ["anisoap-e3nn", "mace-train", "model.yaml"]
    (folder / "model.yaml").write_text(yaml.safe_dump(options))
    program = Path(sys.executable).parent / command[0]
    with (folder / "output.txt").open("w") as output:
        subprocess.run(
            [str(program), *command[1:]],
            cwd=folder,
            check=True,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return folder / f"{options['name']}.model"


def errors(model: Path, test_file: Path, blind: bool) -> list[str]:
    """Root mean square errors of energies per particle, forces and torques."""
    kind = MACECalculator if blind else AniSOAPMACECalculator
    calculator = kind(str(model), default_dtype="float32")
    squares: dict[str, list[Any]] = {"energy": [], "forces": [], "torques": []}
    for atoms in read(test_file, ":"):
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = calculator
        difference = (atoms.get_potential_energy() - energy) / len(atoms)
        squares["energy"].append(np.array([difference**2]))
        squares["forces"].append((atoms.get_forces() - forces).ravel() ** 2)
        if not blind:
            torques = calculator.get_property("torques", atoms)
            squares["torques"].append((torques - atoms.arrays["torques"]).ravel() ** 2)
    return [f"{np.concatenate(x).mean() ** 0.5:.3g}" if x else "-" for x in squares.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("case", choices=("pairs", "fluid"))
    parser.add_argument("--epochs", type=int, help="instead of the configuration's number")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    parser.add_argument("--folder", type=Path, default=Path("outputs") / "compare_mace")
    options = parser.parse_args()
    instead = {"max_num_epochs": options.epochs, "seed": options.seed}
    rows = []
    for name, changes in NETWORKS.items():
        folder = options.folder / options.case / name.replace(", ", "_").replace(" ", "_")
        model = train(options.case, changes, folder, instead)
        test_file = Path("data") / f"{options.case}_test.xyz"
        rows.append([name, *errors(model, test_file, changes is None)])
    print("| network | energy | forces | torques |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
