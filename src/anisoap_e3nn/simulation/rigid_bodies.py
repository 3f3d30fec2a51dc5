"""Rigid bodies in motion: their state, and what can be observed of it."""

import copy
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from ..arguments import not_negative
from ..geometry import matrices_to_quaternions, rotation_matrices, to_body_frame
from ..graph import frame_index
from .free_rotation import rotate_freely


class RigidBodies:
    r"""Positions, orientations and momenta of rigid particles, in one frame or a batch of independent ones.

    Units are those of the data's lengths, of the energies that drive the bodies, and of the masses; the
    unit of time follows from these. (With Å, eV and u it is that of ASE, 10.18 fs.)

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        Where the bodies are. It is left as it is; neighbours that it holds are not kept, since they change.
    masses : float or array ``(N,)``
        > 0.
    moments : array ``(3,)`` or ``(N, 3)``, optional
        Principal moments of inertia about the axes of the ellipsoids, ≥ 0; by default those of solid
        ellipsoids, :math:`I_a = \tfrac m5 (b^2 + c^2)` and so on. About an axis without moment, that of a
        needle or any of a point, a body does not turn and torques are not felt.

    Attributes
    ----------
    positions : Tensor ``(N, 3)``
    quaternions : Tensor ``(N, 4)``
        (w, x, y, z), body → space.
    momenta : Tensor ``(N, 3)``
        Zero at first, as the angular ones are.
    angular_momenta : Tensor ``(N, 3)``
        About the centres of the bodies, along their own axes.
    masses : Tensor ``(N,)``
    moments : Tensor ``(N, 3)``

    Raises
    ------
    ValueError
        For masses that are not positive, moments that no body has, being negative or one larger than the
        sum of the others, and shapes that do not fit.

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
        masses: float | npt.ArrayLike | Tensor = 1.0,
        moments: npt.ArrayLike | Tensor | None = None,
    ) -> None:
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
        self.masses = _of_each_body("masses", masses, self.positions, ())
        if not (self.masses > 0).all():
            raise ValueError(f"masses should be > 0, found {self.masses.tolist()}")
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
        """The data with the positions and orientations of now, which later steps leave alone."""
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
            For the same ones again.
        """
        not_negative("temperature", temperature, "energy")
        self.exchange_heat(temperature, 0.0, 0.0, generator)

    def remove_drift(self) -> None:
        """Take from all bodies of a frame the velocity of its centre of mass."""
        velocities = self.linear_momentum / self._per_frame(self.masses)[:, None]  # -> [frame, 3]
        self.momenta = self.momenta - self.masses[:, None] * velocities[self._frames]

    def kick(self, forces: Tensor, torques: Tensor, time: float) -> None:
        """Change the momenta by forces and torques, both in the space frame, for some time."""
        self.momenta = self.momenta + time * forces
        of_bodies = to_body_frame(torques, self.quaternions) * self._turns  # -> [particle, 3]
        self.angular_momenta = self.angular_momenta + time * of_bodies

    def drift(self, time: float) -> None:
        """Move and turn freely for some time."""
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
        r"""Keep a share of all momenta and draw the rest, as the Ornstein-Uhlenbeck process does.

        .. math::
            p \to c \, p + \sqrt{(1 - c^2) \, m \, k_B T} \; \xi, \qquad
            l_k \to c' l_k + \sqrt{(1 - c'^2) \, I_k \, k_B T} \; \xi_k
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
        """Kinetic energy of the motion of the centres ``(frame,)``."""
        return self._per_frame(self.momenta.square().sum(1) / (2 * self.masses))

    @property
    def rotational_energy(self) -> Tensor:
        """Kinetic energy of the rotation about the centres ``(frame,)``."""
        return self._per_frame((self.angular_momenta.square() * self._inverse_moments).sum(1) / 2)

    @property
    def kinetic_energy(self) -> Tensor:
        """The sum of both ``(frame,)``."""
        return self.translational_energy + self.rotational_energy

    @property
    def degrees_of_freedom(self) -> Tensor:
        """Three of each body, and one for each axis with a moment of inertia ``(frame,)``."""
        return self._per_frame(3 + self._turns.sum(1))

    @property
    def temperature(self) -> Tensor:
        """Twice the kinetic energy by the degrees of freedom, :math:`k_B T` ``(frame,)``."""
        return 2 * self.kinetic_energy / self.degrees_of_freedom

    @property
    def center_of_mass(self) -> Tensor:
        """Of the bodies of a frame ``(frame, 3)``."""
        sums = self._per_frame(self.masses[:, None] * self.positions)
        return sums / self._per_frame(self.masses)[:, None]

    @property
    def linear_momentum(self) -> Tensor:
        """The sum over the bodies of a frame ``(frame, 3)``."""
        return self._per_frame(self.momenta)

    def angular_momentum(self, about: Tensor | None = None) -> Tensor:
        r"""The sum of orbits and spins, :math:`\sum_i (r_i - r_0) \times p_i + R_i l_i`, in space.

        Parameters
        ----------
        about : Tensor ``(frame, 3)``, optional
            Such as `center_of_mass`; by default the origin.

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
    numbers = torch.as_tensor(values, dtype=positions.dtype, device=positions.device)
    shape_of_all = (len(positions), *shape)
    if numbers.shape not in (shape, shape_of_all):
        raise ValueError(
            f"{name} have shape {tuple(numbers.shape)}, expected {shape} or {shape_of_all}"
        )
    if not (numbers.isfinite() & (numbers >= 0)).all():
        raise ValueError(f"{name} should be finite and not negative, found {numbers.tolist()}")
    return numbers.expand(shape_of_all).clone()


def _refuse_impossible(moments: Tensor) -> None:
    excess = 2 * moments.amax(1) - moments.sum(1)  # of the largest over the sum of the others
    impossible = excess > 1e-5 * moments.amax(1)
    if impossible.any():
        first = int(impossible.nonzero()[0])
        raise ValueError(
            f"moments[{first}] are {moments[first].tolist()}: no body has a principal moment of "
            "inertia larger than the sum of the other two"
        )
