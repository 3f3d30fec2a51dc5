"""A Gay-Berne fluid at constant temperature and pressure, by LAMMPS' own style and by ours.

``python examples/lammps/npt_fluid.py FIGURE.png``, after ``anisoap-e3nn lammps build``. For several pressures
both start from the same particles and velocities. The table has the density, the nematic order parameter and
their errors by block averages. Rods are those of GB(3, 5, 2, 1), at the temperature 1.25.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from make_fluid import data_file

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.interop.lammps import couple, start_lammps

CUTOFF, TEMPERATURE, SEMIAXES, DEPTHS = 4.0, 1.25, [0.5, 0.5, 1.5], [1.0, 1.0, 0.2]
RODS = {"types": [0], "cutoff": CUTOFF, "well_depths": DEPTHS, "mu": 2.0}
PRESSURES = (2.0, 3.0, 5.5, 7.0)
EVERY, N_BLOCKS = 50, 6
WORDS = " ".join(map(str, DEPTHS))
STYLES = {
    "gayberne": f"pair_style gayberne 1.0 1.0 2.0 {CUTOFF}\npair_coeff 1 1 1.0 1.0 {WORDS} {WORDS}",
    "anisoap": "pair_style anisoap\npair_coeff * * rods 0",
}


class Average(NamedTuple):
    """Mean of a series and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Any) -> "Average":
        """From means of blocks, which are independent if blocks are longer than the memory of the fluid."""
        blocks = np.array([block.mean() for block in np.array_split(np.asarray(values), N_BLOCKS)])
        return cls(float(blocks.mean()), float(blocks.std(ddof=1) / N_BLOCKS**0.5))


def nematic_order(quaternions: Any) -> float:
    """Largest eigenvalue of the mean of 3/2 u u - 1/2, for the long axes u of quaternions w x y z."""
    w, x, y, z = np.asarray(quaternions).T
    axes = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], 1)
    return float(np.linalg.eigvalsh(1.5 * axes.T @ axes / len(axes) - 0.5 * np.eye(3))[-1])


def parallel_rods(per_side: int) -> EllipsoidData:
    """Rods ``(per_side, per_side, per_side // 3)`` on a lattice, nearly parallel, too far apart to touch.

    Where the fluid is isotropic they lose their order faster than others would become nematic.
    """
    n_sides = torch.tensor([per_side, per_side, per_side // 3])
    spacing = torch.tensor([1.2, 1.2, 3.5])
    pos = spacing * torch.cartesian_prod(*(torch.arange(n) for n in n_sides.tolist()))
    n = len(pos)
    tilts = 0.05 * torch.randn(n, 4, generator=torch.Generator().manual_seed(1))
    return EllipsoidData(
        pos=pos,
        orientations=torch.tensor([1.0, 0.0, 0.0, 0.0]) + tilts,
        semiaxes=torch.tensor(SEMIAXES).expand(n, 3),
        types=torch.zeros(n, dtype=torch.int64),
        cell=torch.diag(spacing * n_sides)[None],
        pbc=True,
    )


def run(style: str, pressure: float, data: Path, n_equilibration: int, n_steps: int) -> Any:
    """Densities and order parameters of a run ``(sample, 2)``."""
    lmp = start_lammps(["-screen", "none", "-log", "none"])
    couple(lmp, {"rods": GayBerne(**RODS)})  # type: ignore[arg-type]
    lmp.commands_string(
        f"units lj\natom_style ellipsoid\nread_data {data}\nset group all mass 1.0\n{STYLES[style]}\n"
        "neighbor 0.4 bin\ncompute quat all property/atom quatw quati quatj quatk\n"
        "thermo_style custom step density\ntimestep 0.003\n"
        f"velocity all create {TEMPERATURE} 7 loop geom\n"
        f"fix move all npt/asphere temp {TEMPERATURE} {TEMPERATURE} 0.3 iso {pressure} {pressure} 3.0\n"
        "compute_modify move_temp extra/dof $(atoms+3)\n"  # no torque turns a rod about its own axis
        "fix_modify move press thermo_press\n"  # rotations add nothing to the pressure of an ideal gas
        f"run {n_equilibration}"
    )
    samples = []
    for _ in range(n_steps // EVERY):
        lmp.command(f"run {EVERY}")
        quaternions = np.array(lmp.gather("c_quat", 1, 4)).reshape(-1, 4)
        samples.append((lmp.get_thermo("density"), nematic_order(quaternions)))
    lmp.close()
    return np.array(samples)


def averages(
    per_side: int, pressures: tuple[float, ...], n_equilibration: int, n_steps: int
) -> dict[str, list[tuple[Average, Average]]]:
    """Density and order parameter for each pressure, by each style."""
    found: dict[str, list[tuple[Average, Average]]] = {style: [] for style in STYLES}
    with TemporaryDirectory() as folder:
        data = Path(folder) / "fluid.data"
        data.write_text(data_file(parallel_rods(per_side)))
        for pressure in pressures:
            for style, of_pressures in found.items():
                samples = run(style, pressure, data, n_equilibration, n_steps)
                density, order = (Average.of(column) for column in samples.T)
                of_pressures.append((density, order))
                print(
                    f"{style:9} P {pressure:4.1f}   density {density.mean:.4f} ± {density.error:.4f}   "
                    f"order {order.mean:.3f} ± {order.error:.3f}",
                    flush=True,
                )
    return found


def draw(found: dict[str, list[tuple[Average, Average]]], path: Path) -> None:
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    marks = {"gayberne": ("o", "LAMMPS' gayberne"), "anisoap": ("x", "GayBerne in anisoap")}
    for style, (mark, label) in marks.items():
        for k, axes in enumerate(panels):
            means, errors = np.array([each[k] for each in found[style]]).T
            axes.errorbar(
                PRESSURES, means, 2 * errors, fmt=mark, label=label, capsize=3, mfc="none"
            )
    for axes, name in zip(panels, ("density", "nematic order parameter"), strict=True):
        axes.set(xlabel="pressure", ylabel=name)
    panels[0].legend()
    figure.savefig(path, dpi=110)


def main(path: str) -> None:
    torch.set_default_dtype(torch.float64)
    draw(averages(12, PRESSURES, n_equilibration=8000, n_steps=24000), Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
