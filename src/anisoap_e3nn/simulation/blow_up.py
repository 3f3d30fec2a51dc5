"""Runs that blow up, found while they do."""

import torch

from ..graph import edges_of
from .integrators import Dynamics


class BlowUpError(RuntimeError):
    """Raised where particles are much hotter than they can be; the message names the step and the pair.

    Parameters
    ----------
    n_steps : int
        Number of steps taken.
    temperature, expected : float
        Instantaneous and expected :math:`k_B T`, energies.
    time_step : float
        Time step, in the unit of time of the bodies.
    place : str
        Words that name the hottest particle and its nearest neighbour.
    """

    def __init__(
        self, n_steps: int, temperature: float, expected: float, time_step: float, place: str
    ) -> None:
        super().__init__(n_steps, temperature, expected, time_step, place)
        self.n_steps, self.temperature, self.expected = n_steps, temperature, expected
        self.time_step, self.place = time_step, place

    def __str__(self) -> str:
        return self.words(
            f"k_B T is {self.temperature:.4g}, expected about {self.expected:.4g}",
            f"the time step {self.time_step:.4g} (in the unit of sqrt(mass length² / energy))",
        )

    def words(self, temperatures: str, time_step: str) -> str:
        """The message, with words for both temperatures and for the time step, in whatever units."""
        return (
            f"the run blew up at step {self.n_steps}: {temperatures}; {self.place}. The force field has a "
            f"hole, or {time_step} is too long"
        )


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
            dynamics.n_steps,
            found,
            self.temperature,
            dynamics.time_step,
            _nearest(dynamics, particle),
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
