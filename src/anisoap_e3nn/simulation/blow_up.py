"""Runs that blow up, found while they do."""

import torch

from ..graph import edges_of
from .integrators import Dynamics


class BlowUpError(RuntimeError):
    """Raised where particles are much hotter than they can be; the message names the step and the pair."""


class BlowUpWatch:
    """Callback that ends dynamics whose kinetic energy is beyond reason.

    A wrong force field turns holes in its energy into heat. Long before numbers overflow, the temperature
    tells. The pair that is named is the hottest particle with its nearest neighbour.

    Parameters
    ----------
    temperature : float
        Expected :math:`k_B T`, an energy.
    factor : float
        Multiple of it that ends the run; thermal fluctuations of tens of particles stay far below 4.

    Raises
    ------
    BlowUpError
        When called, if a frame is hotter.
    """

    def __init__(self, temperature: float, factor: float = 4.0) -> None:
        self.temperature, self.factor = temperature, factor

    def __call__(self, dynamics: Dynamics) -> None:
        """Check the dynamics after a step."""
        bodies = dynamics.bodies
        found = float(bodies.temperature.max())
        if found <= self.factor * self.temperature:
            return
        hot = bodies.momenta.square().sum(1) / bodies.masses  # -> [particle]
        particle = int(hot.argmax())
        raise BlowUpError(
            f"the run blew up at step {dynamics.n_steps}: k_B T is {found:.4g}, expected about "
            f"{self.temperature:.4g}; {_nearest(dynamics, particle)}. The force field has a hole, or the "
            f"time step {dynamics.time_step:.4g} is too long"
        )


def _nearest(dynamics: Dynamics, particle: int) -> str:
    """Words that name the hottest particle and its nearest neighbour."""
    data = dynamics.bodies.data
    reach = float(4 * data.semiaxes.max())
    edges = edges_of(data, reach)
    lengths = edges.edge_vectors.norm(dim=1).where(edges.edge_index[1] == particle, torch.inf)
    if not lengths.isfinite().any():
        return f"particle {particle} is the hottest"
    nearest = int(lengths.argmin())
    other = int(edges.edge_index[0, nearest])
    return (
        f"particle {particle} is the hottest, and its nearest neighbour {other} is at "
        f"{float(lengths[nearest]):.4g}"
    )
