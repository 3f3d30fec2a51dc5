"""State and observables of rigid bodies."""

import copy
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from ..arguments import not_negative
from ..data.field_checks import to_tensor
from ..geometry import matrices_to_quaternions, rotation_matrices, to_body_frame
from ..graph import frame_index
from ..tensor_arguments import check_data
from .free_rotation import rotate_freely


class RigidBodies:
    r"""Positions, orientations and momenta of rigid bodies, in one frame or a batch of independent frames.

    The units of length, energy and mass fix the unit of time. With Å, eV and u it is ASE's, 10.18 fs.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        Initial positions and orientations, not modified. Edges are dropped, since neighbours change.
    masses : float or array ``(N,)``, optional
        Masses of the bodies, > 0; by default the `masses` of the data, else 1.
    moments : array ``(3,)`` or ``(N, 3)``, optional
        Principal moments of inertia about the axes of the ellipsoids, ≥ 0; by default the `moments` of the
        data, else those of solid ellipsoids, :math:`I_a = \tfrac m5 (b^2 + c^2)` and so on. Frames mapped
        from atoms have both (:class:`~anisoap_e3nn.data.EllipsoidMapping`). Bodies do not turn about axes
        without a moment (the axis of a needle, all axes of a point), and torques about them have no effect.

    Attributes
    ----------
    positions : Tensor ``(N, 3)``
        Centres of the bodies.
    quaternions : Tensor ``(N, 4)``
        Orientations (w, x, y, z) of norm 1, body → space.
    momenta : Tensor ``(N, 3)``
        Linear momenta, initially zero.
    angular_momenta : Tensor ``(N, 3)``
        Angular momenta about the centres of the bodies, along their own axes, initially zero.
    masses : Tensor ``(N,)``
        Masses of the bodies.
    moments : Tensor ``(N, 3)``
        Principal moments of inertia.
    n_frames : int
        Number of frames.

    Raises
    ------
    ValueError
        If a mass is not positive, a moment is negative or larger than the sum of the other two, or shapes do
        not match.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> disk = EllipsoidData(
    ...     pos=[[0, 0, 0.0]], orientations=[[1, 0, 0, 0.0]], semiaxes=[[1, 1, 0.0]], types=[0]
    ... )
    >>> RigidBodies(disk, masses=5.0).moments
    tensor([[1., 1., 2.]])
    """

    def __init__(
        self,
        data: Any,
        masses: float | npt.ArrayLike | Tensor | None = None,
        moments: npt.ArrayLike | Tensor | None = None,
    ) -> None:
        check_data(data)
        self._data = copy.copy(data)
        for name in ("edge_index", "edge_shifts", "edge_cutoff"):
            if getattr(data, name, None) is not None:
                delattr(self._data, name)
        self.positions = data.pos.detach().clone()
        orientations = data.orientations.detach()
        if orientations.dim() == 3:
            orientations = matrices_to_quaternions(orientations)
        self.quaternions = orientations / orientations.norm(dim=1, keepdim=True)
        self.momenta = torch.zeros_like(self.positions)
        self.angular_momenta = torch.zeros_like(self.positions)
        if masses is None:
            masses = data.masses if "masses" in data else 1.0
            moments = data.moments if moments is None and "moments" in data else moments
        self.masses = _of_each_body("masses", masses, self.positions, ())
        if not (self.masses > 0).all():
            raise ValueError(f"masses are {self.masses.tolist()}, expected > 0")
        if moments is None:
            squares = data.semiaxes.detach().square()
            sums = squares.sum(1, keepdim=True) - squares  # b² + c² and so on -> [particle, 3]
            moments = self.masses[:, None] / 5 * sums
        self.moments = _of_each_body("moments", moments, self.positions, (3,))
        _refuse_impossible(self.moments)
        self._turns = self.moments > 0
        self._inverse_moments = self._turns / self.moments.where(self._turns, 1)

        self._frames, self.n_frames = frame_index(data)  # -> [particle]

    @property
    def data(self) -> Any:
        """Copy of the data with the present positions and orientations. Later steps do not change it."""
        data = copy.copy(self._data)
        data.pos, data.orientations = self.positions, self.quaternions
        return data

    def draw_momenta(self, temperature: float, generator: torch.Generator | None = None) -> None:
        """Draw momenta and angular momenta from the Maxwell-Boltzmann distribution.

        Parameters
        ----------
        temperature : float
            :math:`k_B T`, an energy.
        generator : torch.Generator, optional
            Random numbers, to reproduce the momenta.
        """
        not_negative("temperature", temperature, "energy")
        self.exchange_heat(temperature, 0.0, 0.0, generator)

    def remove_drift(self) -> None:
        """Set the velocity of the centre of mass of each frame to zero."""
        velocities = self.linear_momentum / self._per_frame(self.masses)[:, None]  # -> [frame, 3]
        self.momenta = self.momenta - self.masses[:, None] * velocities[self._frames]

    def kick(self, forces: Tensor, torques: Tensor, time: float) -> None:
        """Change the momenta by forces and torques for a time, both in the space frame."""
        self.momenta = self.momenta + time * forces
        of_bodies = to_body_frame(torques, self.quaternions) * self._turns  # -> [particle, 3]
        self.angular_momenta = self.angular_momenta + time * of_bodies

    def drift(self, time: float) -> None:
        """Move and rotate without forces for a time."""
        self.positions = self.positions + time * self.momenta / self.masses[:, None]
        self.quaternions, self.angular_momenta = rotate_freely(
            self.quaternions, self.angular_momenta, self._inverse_moments, time
        )

    def exchange_heat(
        self,
        temperature: float,
        kept: float,
        kept_angular: float,
        generator: torch.Generator | None = None,
    ) -> None:
        r"""Keep a share of all momenta and draw the rest: an exact Ornstein-Uhlenbeck step.

        .. math::
            p \to c \, p + \sqrt{(1 - c^2) \, m \, k_B T} \; \xi, \qquad
            l_k \to c' l_k + \sqrt{(1 - c'^2) \, I_k \, k_B T} \; \xi_k

        Parameters
        ----------
        temperature : float
            :math:`k_B T`, an energy.
        kept : float
            Share :math:`c` of the momenta, from 0 to 1.
        kept_angular : float
            Share :math:`c'` of the angular momenta, from 0 to 1.
        generator : torch.Generator, optional
            Random numbers :math:`\xi`, to reproduce a trajectory.
        """
        for name, share, inertia in (
            ("momenta", kept, self.masses[:, None]),
            ("angular_momenta", kept_angular, self.moments),
        ):
            before = getattr(self, name)
            device = generator.device if generator is not None else before.device
            noise = torch.randn(
                before.shape, dtype=before.dtype, device=device, generator=generator
            )
            spread = ((1 - share**2) * temperature * inertia).sqrt()
            setattr(self, name, share * before + spread * noise.to(before))

    @property
    def translational_energy(self) -> Tensor:
        """Kinetic energy of translation ``(frame,)``."""
        return self._per_frame(self.momenta.square().sum(1) / (2 * self.masses))

    @property
    def rotational_energy(self) -> Tensor:
        """Kinetic energy of rotation ``(frame,)``."""
        return self._per_frame((self.angular_momenta.square() * self._inverse_moments).sum(1) / 2)

    @property
    def kinetic_energy(self) -> Tensor:
        """Kinetic energy of translation and rotation ``(frame,)``."""
        return self.translational_energy + self.rotational_energy

    @property
    def degrees_of_freedom(self) -> Tensor:
        """Degrees of freedom ``(frame,)``: three per body, and one per axis with a moment of inertia."""
        return self._per_frame(3 + self._turns.sum(1))

    @property
    def temperature(self) -> Tensor:
        """Instantaneous :math:`k_B T` ``(frame,)``: twice the kinetic energy per degree of freedom."""
        return 2 * self.kinetic_energy / self.degrees_of_freedom

    @property
    def center_of_mass(self) -> Tensor:
        """Centre of mass of each frame ``(frame, 3)``."""
        sums = self._per_frame(self.masses[:, None] * self.positions)
        return sums / self._per_frame(self.masses)[:, None]

    @property
    def linear_momentum(self) -> Tensor:
        """Total linear momentum of each frame ``(frame, 3)``."""
        return self._per_frame(self.momenta)

    def angular_momentum(self, about: Tensor | None = None) -> Tensor:
        r"""Total angular momentum, :math:`\sum_i (r_i - r_0) \times p_i + R_i l_i`, in the space frame.

        Parameters
        ----------
        about : Tensor ``(frame, 3)``, optional
            Reference point :math:`r_0`, such as `center_of_mass`; by default the origin.

        Returns
        -------
        Tensor ``(frame, 3)``
        """
        arms = self.positions if about is None else self.positions - about[self._frames]
        orbits = torch.linalg.cross(arms, self.momenta)
        spins = rotation_matrices(self.quaternions) @ self.angular_momenta[:, :, None]
        return self._per_frame(orbits + spins.squeeze(2))

    def _per_frame(self, values: Tensor) -> Tensor:
        sums = values.new_zeros(self.n_frames, *values.shape[1:])
        return sums.index_add(0, self._frames, values)


def _of_each_body(
    name: str,
    values: float | npt.ArrayLike | Tensor,
    positions: Tensor,
    shape: tuple[int, ...],
) -> Tensor:
    numbers = to_tensor(name, values, positions.dtype, positions.device).to(positions)
    shape_of_all = (len(positions), *shape)
    if numbers.shape not in (shape, shape_of_all):
        raise ValueError(
            f"{name} has shape {tuple(numbers.shape)}, expected {shape} or {shape_of_all}"
        )
    if not (numbers.isfinite() & (numbers >= 0)).all():
        raise ValueError(f"{name} is {numbers.tolist()}, expected finite numbers ≥ 0")
    return numbers.expand(shape_of_all).clone()


def _refuse_impossible(moments: Tensor) -> None:
    excess = 2 * moments.amax(1) - moments.sum(1)  # of the largest over the sum of the others
    impossible = excess > 1e-5 * moments.amax(1)
    if impossible.any():
        first = int(impossible.nonzero()[0])
        raise ValueError(
            f"moments[{first}] is {moments[first].tolist()}, expected no principal moment of inertia "
            "larger than the sum of the other two"
        )
