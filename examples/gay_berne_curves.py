"""Energy curves of two Gay-Berne ellipsoids for several relative orientations.

Left: rods, GB(3, 5, 2, 1), as in many studies of liquid crystals. Right: the triaxial ellipsoids of this
package's data sets.

    python examples/gay_berne_curves.py
"""

import argparse
from pathlib import Path

import torch
from matplotlib import pyplot as plt

from anisoap_e3nn.gay_berne import GayBerne, triaxial_gay_berne
from anisoap_e3nn.geometry import quaternions_to_matrices

STRAIGHT, ABOUT_X, ABOUT_Y = [1.0, 0, 0, 0], [1.0, 1, 0, 0], [1.0, 0, 1, 0]  # quarter turns
RODS = {  # orientation of the second particle, and the direction to it from the first
    "side by side": (STRAIGHT, [1, 0, 0]),
    "crossed": (ABOUT_X, [1, 0, 0]),
    "T": (ABOUT_Y, [1, 0, 0]),
    "end to end": (STRAIGHT, [0, 0, 1]),
}
TRIAXIAL = {
    "along a": (STRAIGHT, [1, 0, 0]),
    "along b": (STRAIGHT, [0, 1, 0]),
    "along c": (STRAIGHT, [0, 0, 1]),
    "a meets c": (ABOUT_Y, [1, 0, 0]),
}


def energies(
    potential: GayBerne,
    semiaxes: list[float],
    turn: list[float],
    direction: list[int],
    distances: torch.Tensor,
) -> torch.Tensor:
    n = len(distances)
    vectors = distances[:, None] * torch.tensor(direction)  # -> [distance, 3]
    first, second = (
        potential.bodies(
            torch.zeros(n, dtype=torch.int64),
            quaternions_to_matrices(torch.tensor(orientation)).expand(n, 3, 3),
            torch.tensor(semiaxes).expand(n, 3),
        )
        for orientation in (STRAIGHT, turn)
    )
    return potential.pair_energies(vectors, first, second)  # -> [distance]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("gay_berne_curves.png"))
    parser.add_argument("--overwrite", action="store_true", help="replace an existing figure")
    arguments = parser.parse_args()
    if arguments.output.exists() and not arguments.overwrite:
        parser.error(f"{arguments.output} exists; use --overwrite, or give another --output")

    rods = GayBerne([0], cutoff=6.0, well_depths=[1, 1, 0.2], mu=2)
    systems = [
        ("Rods, GB(3, 5, 2, 1)", rods, [0.5, 0.5, 1.5], RODS),
        ("Semi-axes a, b, c = 0.5, 0.75, 1", triaxial_gay_berne(6.0), [0.5, 0.75, 1.0], TRIAXIAL),
    ]
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    distances = torch.linspace(0.8, 5.0, 2000)
    for panel, (title, potential, semiaxes, meetings) in zip(panels, systems, strict=True):
        for label, (turn, direction) in meetings.items():
            curve = energies(potential, semiaxes, turn, direction, distances)
            panel.plot(distances, curve, label=label)
        panel.axhline(0, color="0.7", linewidth=0.8)
        panel.set(title=title, xlabel="distance of the centres (σ)", ylim=(-2, 1.5), xlim=(0.8, 5))
        panel.legend(frameon=False)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("energy (ε)")
    figure.savefig(arguments.output, dpi=150)
    print(f"figure: {arguments.output}")


if __name__ == "__main__":
    main()
