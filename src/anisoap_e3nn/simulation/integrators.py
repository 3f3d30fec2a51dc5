"""Dynamics of rigid bodies: at constant energy, and with a thermostat."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from tqdm import trange

from ..arguments import not_negative, positive
from .rigid_bodies import RigidBodies


class _Dynamics(ABC):
    """What both have in common: forces, energies and the loop."""

    def __init__(
        self, forces_and_torques: Callable[[Any], Any], bodies: RigidBodies, time_step: float
    ) -> None:
        self.forces_and_torques = forces_and_torques
        self.bodies = bodies
        self.time_step = positive("time_step", time_step, "time")
        self.n_steps = 0
        self._evaluate()

    @property
    def total_energy(self) -> Tensor:
        """Potential and kinetic energy ``(frame,)``."""
        return self.potential_energy + self.bodies.kinetic_energy

    def run(
        self, n_steps: int, callback: Callable[[Any], None] | None = None, every: int = 1
    ) -> None:
        """Take steps, with a progress bar on terminals if they take more than a second.

        Parameters
        ----------
        n_steps : int
        callback : function, optional
            Called with the dynamics after every `every` steps, say to note energies or `bodies.data`.
        every : int

        Raises
        ------
        ValueError
            For numbers of steps that are none.
        RuntimeError
            For forces or torques that are not finite.
        """
        if n_steps < 0 or every < 1:
            raise ValueError(
                f"n_steps is {n_steps}, expected ≥ 0, and every is {every}, expected ≥ 1"
            )
        self._evaluate()  # the bodies may have been moved since
        for step in trange(1, n_steps + 1, unit="step", leave=False, disable=None, delay=1.0):
            self._step()
            self.n_steps += 1
            if callback is not None and step % every == 0:
                callback(self)

    @abstractmethod
    def _step(self) -> None: ...

    def _kick(self) -> None:
        self.bodies.kick(self._forces, self._torques, self.time_step / 2)

    def _evaluate(self) -> None:
        result = self.forces_and_torques(self.bodies.data)
        self._forces, self._torques = result.forces.detach(), result.torques.detach()
        self.potential_energy = torch.as_tensor(result.energy).detach()
        shapes = {
            "forces": (self._forces, tuple(self.bodies.positions.shape)),
            "torques": (self._torques, tuple(self.bodies.positions.shape)),
            "energies": (self.potential_energy, (self.bodies.n_frames,)),
        }
        for name, (values, shape) in shapes.items():
            if values.shape != shape:
                raise ValueError(f"{name} have shape {tuple(values.shape)}, expected {shape}")
            if not values.isfinite().all():
                raise RuntimeError(
                    f"{name} are not finite after {self.n_steps} steps: if they were before, the "
                    f"time step, {self.time_step}, is too long, or bodies overlap"
                )


class NVE(_Dynamics):
    r"""Dynamics at constant energy, symplectic and reversible.

    A step is half a kick by forces and torques, free motion with the rotation of NO_SQUISH (Miller et al.,
    J. Chem. Phys. 116, 8649, 2002), and half a kick. The total energy does not drift, but fluctuates by
    the square of the time step; linear momentum, and in open frames angular momentum, are conserved to
    rounding.

    Parameters
    ----------
    forces_and_torques : function
        From data to an object with `energy` ``(frame,)``, `forces` ``(N, 3)`` and `torques` ``(N, 3)`` in
        the space frame, such as :func:`~anisoap_e3nn.potentials.mechanics` of a model.
    bodies : RigidBodies
        Which it moves.
    time_step : float
        > 0.

    Attributes
    ----------
    n_steps : int
        Taken so far.
    potential_energy, total_energy : Tensor ``(frame,)``
        After the last step.

    Raises
    ------
    ValueError
        For a time step that is none, and forces or torques of other shapes.

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

    def _step(self) -> None:
        self._kick()
        self.bodies.drift(self.time_step)
        self._evaluate()
        self._kick()


class Langevin(_Dynamics):
    r"""Dynamics at constant temperature: friction and noise on all momenta.

    A step is BAOAB's (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34): half a kick, half of the
    free motion (as :class:`NVE` has it), the Ornstein-Uhlenbeck process of all momenta, solved exactly
    (:meth:`RigidBodies.exchange_heat`, which keeps :math:`e^{-\gamma t}` of them), the other half of the free
    motion, and half a kick. (For Langevin dynamics of rigid bodies see Davidchack, Ouldridge and
    Tretyakov, J. Chem. Phys. 142, 144114, 2015.)

    Parameters
    ----------
    forces_and_torques : function
        As for :class:`NVE`.
    bodies : RigidBodies
        Which it moves.
    time_step : float
        > 0.
    temperature : float
        :math:`k_B T`, an energy, ≥ 0.
    friction : float
        The rate γ at which momenta decay, an inverse time, ≥ 0; without any it is :class:`NVE`.
    angular_friction : float, optional
        That of the angular momenta; by default the same.
    generator : torch.Generator, optional
        For the same noise again.

    Attributes
    ----------
    n_steps : int
        Taken so far.
    potential_energy, total_energy : Tensor ``(frame,)``
        After the last step.

    Raises
    ------
    ValueError
        As :class:`NVE` does, and for a temperature or friction that is negative.
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

    def _step(self) -> None:
        self._kick()
        self.bodies.drift(self.time_step / 2)
        kept, kept_angular = (
            math.exp(-rate * self.time_step) for rate in (self.friction, self.angular_friction)
        )
        self.bodies.exchange_heat(self.temperature, kept, kept_angular, self.generator)
        self.bodies.drift(self.time_step / 2)
        self._evaluate()
        self._kick()
