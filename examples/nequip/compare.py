"""Train networks inside nequip with and without the density of ellipsoids, and print a table of errors.

    python examples/host_data.py data
    python examples/nequip/compare.py pairs    # or fluid; --epochs 2 shows that it works

Errors are root mean squares on the test set, energies per particle, in reduced units.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path


def without_torques(metric: str) -> str:
    """Metrics for a network that gives no torques."""
    kind = f"metric: {{_target_: nequip.train.{metric}}}, coeff: 1.0"
    energy = "{_target_: nequip.data.PerAtomModifier, field: total_energy}"
    return f"[{{name: energy, field: {energy}, {kind}}}, {{name: forces, field: forces, {kind}}}]"


# name of the row, and what it changes in the configuration
NETWORKS = {
    "nequip, blind to orientations": [
        "training_module.model._target_=nequip.model.NequIPGNNModel",
        "~training_module.model.node_embedding",
        "~training_module.model.embedding",
        "~training_module.model.edge_orientations",
        f"training_module.loss.metrics={without_torques('MeanSquaredError')}",
        f"training_module.val_metrics.metrics={without_torques('RootMeanSquaredError')}",
    ],
    "shape tensor": [
        "training_module.model.node_embedding=shape",
        "training_module.model.embedding=null",
        "training_module.model.edge_orientations=false",
    ],
    "shape tensor, oriented edges": [
        "training_module.model.node_embedding=shape",
        "training_module.model.embedding=null",
    ],
    "density": ["training_module.model.edge_orientations=false"],
    "density, oriented edges": [],
}
TARGETS = ("energy", "forces", "torques")


def train(case: str, changes: list[str], folder: Path, overrides: list[str]) -> None:
    """Run ``nequip-train``, whose output goes to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        str(Path(sys.executable).parent / "nequip-train"),
        "-cp",
        str(Path(__file__).resolve().parent),
        "-cn",
        case,
        f"hydra.run.dir={folder}",
        "+trainer.enable_progress_bar=false",
        *changes,
        *overrides,
    ]
    with (folder / "output.txt").open("w") as output:
        subprocess.run(command, check=True, stdout=output, stderr=subprocess.STDOUT)


def errors(folder: Path) -> list[float | None]:
    """Errors on the test set, from the last row of Lightning's log that has them."""
    (log,) = folder.rglob("metrics.csv")
    with log.open() as file:
        row = [row for row in csv.DictReader(file) if row.get("test0_epoch/forces")][-1]
    found = [row.get(f"test0_epoch/{name}") for name in TARGETS]
    return [float(x) if x else None for x in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("case", choices=("pairs", "fluid"))
    parser.add_argument("--epochs", type=int, help="instead of the configuration's number")
    parser.add_argument("--folder", type=Path, default=Path("outputs") / "compare_nequip")
    parser.add_argument("overrides", nargs="*", help="of the configuration, such as cutoff=3.5")
    options = parser.parse_args()
    overrides = [*options.overrides]
    if options.epochs is not None:
        overrides.append(f"epochs={options.epochs}")
    rows = []
    for name, changes in NETWORKS.items():
        folder = (
            options.folder / options.case / name.replace(", ", "_").replace(" ", "_")
        ).resolve()
        train(options.case, changes, folder, overrides)
        rows.append([name, *("-" if x is None else f"{x:.3g}" for x in errors(folder))])
    print("| network | energy | forces | torques |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
