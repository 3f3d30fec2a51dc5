"""Dynamics of rigid bodies at constant energy and at constant temperature."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from tqdm import trange

from ..arguments import integer, not_negative, positive
from ..tensor_arguments import check_callable
from .rigid_bodies import RigidBodies


class Dynamics(ABC):
    """Base class of dynamics of rigid bodies: forces, energies and the loop over steps.

    For your own dynamics write :meth:`step`, from :meth:`kick`, :meth:`evaluate`, and the methods of
    :class:`RigidBodies`.

    Parameters
    ----------
    forces_and_torques : function
        From data to an object with `energy` ``(frame,)``, `forces` ``(N, 3)`` and `torques` ``(N, 3)`` in
        the space frame, such as a :class:`ForceField`, or :func:`~anisoap_e3nn.potentials.mechanics` of a
        model.
    bodies : RigidBodies
        Bodies to move.
    time_step : float
        Duration of a step, > 0, in the unit of time of the bodies.

    Attributes
    ----------
    n_steps : int
        Number of steps taken.
    forces, torques : Tensor ``(N, 3)``
        Forces and torques at the present positions, in the space frame.
    potential_energy, total_energy : Tensor ``(frame,)``
        Energies after the last step.

    Raises
    ------
    ValueError
        If the time step is not positive, or energies, forces or torques have the wrong shape.
    RuntimeError
        If energies, forces or torques are not finite.
    """

    def __init__(
        self, forces_and_torques: Callable[[Any], Any], bodies: RigidBodies, time_step: float
    ) -> None:
        check_callable("forces_and_torques", forces_and_torques)
        if not isinstance(bodies, RigidBodies):
            raise TypeError(f"bodies is {bodies!r:.100}, expected RigidBodies")
        self.forces_and_torques = forces_and_torques
        self.bodies = bodies
        self.time_step = positive("time_step", time_step, "time")
        self.n_steps = 0
        self.evaluate()

    @property
    def total_energy(self) -> Tensor:
        """Potential and kinetic energy ``(frame,)``."""
        return self.potential_energy + self.bodies.kinetic_energy

    def run(
        self, n_steps: int, callback: Callable[[Any], None] | None = None, every: int = 1
    ) -> None:
        """Take steps. Terminals show a progress bar after a second.

        Parameters
        ----------
        n_steps : int
            Number of steps, ≥ 0.
        callback : function, optional
            Function of the dynamics, called after every `every` steps, for example to record energies or
            `bodies.data`.
        every : int
            Number of steps between calls, ≥ 1.

        Raises
        ------
        ValueError
            If a number of steps is out of range.
        RuntimeError
            If energies, forces or torques are not finite.
        """
        n_steps, every = (
            integer("n_steps", n_steps, at_least=0),
            integer("every", every, at_least=1),
        )
        self.evaluate()  # the bodies may have been moved in the meantime
        for number in trange(1, n_steps + 1, unit="step", leave=False, disable=None, delay=1.0):
            self.step()
            self.n_steps += 1
            if callback is not None and number % every == 0:
                callback(self)

    @abstractmethod
    def step(self) -> None:
        """Move the bodies by one time step.

        At the start `forces` and `torques` belong to the present positions. Call :meth:`evaluate` after the
        positions have changed for the last time.
        """

    def kick(self, time: float) -> None:
        """Change the momenta by `forces` and `torques` for a time."""
        self.bodies.kick(self.forces, self.torques, time)

    def evaluate(self) -> None:
        """Compute the potential energy, forces and torques at the present positions."""
        result = self.forces_and_torques(self.bodies.data)
        if not isinstance(getattr(result, "torques", None), Tensor):
            raise TypeError(
                f"forces_and_torques returned {result!r:.100}, expected Mechanics, or an object with energy, "
                "forces and torques"
            )
        self.forces, self.torques = result.forces.detach(), result.torques.detach()
        self.potential_energy = torch.as_tensor(result.energy).detach()
        shapes = {
            "forces": (self.forces, tuple(self.bodies.positions.shape)),
            "torques": (self.torques, tuple(self.bodies.positions.shape)),
            "energies": (self.potential_energy, (self.bodies.n_frames,)),
        }
        for name, (values, shape) in shapes.items():
            if values.shape != shape:
                raise ValueError(f"{name} have shape {tuple(values.shape)}, expected {shape}")
            if not values.isfinite().all():
                raise RuntimeError(
                    f"{name} are not finite after {self.n_steps} steps; use a shorter time step, and check "
                    "that bodies do not overlap"
                )


class NVE(Dynamics):
    r"""Dynamics at constant energy, symplectic and reversible.

    A step is half a kick by forces and torques, free motion with the rotation of NO_SQUISH (Miller et al.,
    J. Chem. Phys. 116, 8649, 2002), and half a kick. The total energy does not drift. Its fluctuations grow
    with the square of the time step. Linear momentum, and in open frames angular momentum, are conserved to
    rounding.

    Parameters, attributes and errors are those of :class:`Dynamics`.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> from anisoap_e3nn.simulation import NVE, RigidBodies
    >>> from anisoap_e3nn.potentials import mechanics
    >>> def trap(data):  # harmonic
    ...     return data.pos.square().sum(1) / 2
    >>> data = EllipsoidData(
    ...     pos=torch.eye(3, dtype=torch.float64), orientations=[[1, 0, 0, 0]] * 3,
    ...     semiaxes=[[1, 1, 2]] * 3, types=[0] * 3,
    ... )
    >>> dynamics = NVE(lambda data: mechanics(trap, data), RigidBodies(data), time_step=0.01)
    >>> dynamics.run(314)  # half a period
    >>> torch.allclose(dynamics.bodies.positions, -data.pos, atol=1e-2)
    True
    """

    def step(self) -> None:
        """Half a kick, free motion, and half a kick."""
        self.kick(self.time_step / 2)
        self.bodies.drift(self.time_step)
        self.evaluate()
        self.kick(self.time_step / 2)


class Langevin(Dynamics):
    r"""Dynamics at constant temperature: friction and noise on all momenta.

    A step is that of BAOAB (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34): half a kick, half of
    the free motion of :class:`NVE`, the exact Ornstein-Uhlenbeck process of all momenta
    (:meth:`RigidBodies.exchange_heat`, which keeps a share :math:`e^{-\gamma t}` of them), the other half of
    the free motion, and half a kick. For Langevin dynamics of rigid bodies see Davidchack, Ouldridge and
    Tretyakov, J. Chem. Phys. 142, 144114, 2015.

    Attributes and errors are those of :class:`Dynamics`.

    Parameters
    ----------
    forces_and_torques, bodies, time_step
        As for :class:`Dynamics`.
    temperature : float
        :math:`k_B T`, an energy, ≥ 0.
    friction : float
        Decay rate γ of the momenta, an inverse time, ≥ 0. With 0, the dynamics are those of :class:`NVE`.
    angular_friction : float, optional
        Decay rate of the angular momenta, an inverse time, ≥ 0; by default `friction`.
    generator : torch.Generator, optional
        Random numbers of the noise, to reproduce a trajectory.

    Raises
    ------
    ValueError
        If the temperature or a friction is negative.
    """

    def __init__(
        self,
        forces_and_torques: Callable[[Any], Any],
        bodies: RigidBodies,
        time_step: float,
        *,
        temperature: float,
        friction: float,
        angular_friction: float | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(forces_and_torques, bodies, time_step)
        self.temperature = not_negative("temperature", temperature)
        self.friction = not_negative("friction", friction)
        self.angular_friction = self.friction
        if angular_friction is not None:
            self.angular_friction = not_negative("angular_friction", angular_friction)
        self.generator = generator

    def step(self) -> None:
        """Half a kick, half of the free motion, exchange of heat, and the same halves in reverse."""
        self.kick(self.time_step / 2)
        self.bodies.drift(self.time_step / 2)
        kept, kept_angular = (
            math.exp(-rate * self.time_step) for rate in (self.friction, self.angular_friction)
        )
        self.bodies.exchange_heat(self.temperature, kept, kept_angular, self.generator)
        self.bodies.drift(self.time_step / 2)
        self.evaluate()
        self.kick(self.time_step / 2)
