"""The nearest thing that installs: featomic's spherical expansion of spheres, with its gradients."""

import os
from collections.abc import Callable

from ase import Atoms

from ..systems import System

os.environ["RAYON_NUM_THREADS"] = "1"  # read once, when featomic first computes

import featomic
from featomic.basis import Explicit, Gto
from featomic.cutoff import Cutoff, ShiftedCosine
from featomic.density import Gaussian

VERSION = featomic.__version__


def featomic_gradients(
    system: System, cutoff: float, max_angular: int, n_pairs: int
) -> Callable[[], object]:
    """Coefficients and their gradients with respect to positions, on one thread.

    As many radial functions for each l as AniSOAP has, ``(max_angular - l) // 2 + 1``. It searches for
    its neighbours itself; that these are the same `n_pairs` is checked.
    """
    calculator = featomic.SphericalExpansion(
        cutoff=Cutoff(radius=cutoff, smoothing=ShiftedCosine(width=cutoff)),
        density=Gaussian(width=0.9),
        basis=Explicit(
            by_angular={
                l: Gto(max_radial=(max_angular - l) // 2, radius=cutoff)
                for l in range(max_angular + 1)
            }
        ),
    )
    atoms = Atoms(
        numbers=system.types.numpy(),
        positions=system.positions.numpy(),
        cell=system.cell.numpy(),
        pbc=True,
    )

    def run() -> object:
        return calculator.compute(atoms, gradients=["positions"])

    scalars = run().blocks(o3_lambda=0)  # one for each pair of types
    n_rows = sum(len(block.gradient("positions").samples) for block in scalars)
    # each pair, and each centre itself in every block of its type
    n_types = len(system.types.unique())
    if n_rows != n_pairs + n_types * len(atoms):
        raise AssertionError(f"featomic finds other pairs: {n_rows} gradients, {n_pairs} pairs")
    return run
