"""Baseline of derivatives: featomic's spherical expansion of spheres with position gradients."""

import os
from collections.abc import Callable

from ..systems import System

os.environ["RAYON_NUM_THREADS"] = "1"  # read once, when featomic first computes

import featomic
from featomic.basis import Explicit, Gto
from featomic.cutoff import Cutoff, ShiftedCosine
from featomic.density import Gaussian

VERSION = featomic.__version__


def spherical_expansion(cutoff: float, max_angular: int) -> featomic.SphericalExpansion:
    """Featomic's calculator, with as many radial functions for each l as in AniSOAP."""
    return featomic.SphericalExpansion(
        cutoff=Cutoff(radius=cutoff, smoothing=ShiftedCosine(width=cutoff)),
        density=Gaussian(width=0.9),
        basis=Explicit(
            by_angular={
                l: Gto(max_radial=(max_angular - l) // 2, radius=cutoff)
                for l in range(max_angular + 1)
            }
        ),
    )


def featomic_gradients(
    system: System, cutoff: float, max_angular: int, n_pairs: int
) -> Callable[[], object]:
    """Function that computes coefficients and their position gradients, on one thread.

    featomic searches neighbours itself; their number is checked against `n_pairs`.
    """
    calculator = spherical_expansion(cutoff, max_angular)
    atoms = system.to_atoms()

    def run() -> object:
        return calculator.compute(atoms, gradients=["positions"])

    scalars = run().blocks(o3_lambda=0)  # one for each pair of types
    n_rows = sum(len(block.gradient("positions").samples) for block in scalars)
    # a gradient for each pair, and for each centre itself in every block of its type
    n_types = len(system.types.unique())
    if n_rows != n_pairs + n_types * len(atoms):
        raise AssertionError(f"featomic has {n_rows} gradients, which do not fit {n_pairs} pairs")
    return run
