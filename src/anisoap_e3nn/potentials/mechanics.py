"""Forces, torques, virial and stress from one energy."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..geometry import rotation_matrices
from ..nn import AniSOAPEmbedding


class Mechanics(NamedTuple):
    """What an energy says of the motion of rigid particles; see :func:`mechanics`."""

    energy: Tensor  # [frame]
    forces: Tensor  # [particle, 3]
    torques: Tensor  # [particle, 3]
    virial: Tensor  # [frame, 3, 3]
    stress: Tensor  # [frame, 3, 3]
    energies: Tensor  # [particle]


def mechanics(
    model: Callable[[Any], Tensor],
    data: Any,
    *,
    body_frame: bool = False,
    create_graph: bool = False,
) -> Mechanics:
    r"""Energies of the frames and their derivatives, by one evaluation and one backward pass.

    .. math::
        f_i = -\frac{\partial E}{\partial r_i}, \qquad
        \tau_i = -\frac{\partial E}{\partial \theta_i}, \quad R_i \to e^{[\theta_i]_\times} R_i, \qquad
        W = -\frac{\partial E}{\partial \varepsilon}, \quad
        r \to (1 + \varepsilon) r, \; h \to h (1 + \varepsilon), \qquad
        \sigma = -W / V

    The strain :math:`\varepsilon` is symmetric. It acts on positions and lattice vectors; orientations
    and semi-axes stay as they are. (Under an antisymmetric one only the total torque would come out.)

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``. One that has a method of this name, as
        :class:`StackedPotential` has, is asked for the result.
    data : EllipsoidData or a Batch of them
        Left as it is. Without `edge_index`, neighbours are searched for once, up to the longest cutoff
        of the model's embeddings.
    body_frame : bool
        Whether torques are components along the axes of the particles, :math:`R_i^\top \tau_i`,
        instead of those of space.
    create_graph : bool
        Whether the results can be differentiated themselves, for training on them; without it they
        hold no graph.

    Returns
    -------
    Mechanics
        A named tuple of `energy` ``(frame,)``; `forces` ``(N, 3)``, energy / length; `torques`
        ``(N, 3)``, energy; `virial` ``(frame, 3, 3)``, energy, which is the symmetric part of
        :math:`\sum_i r_i \otimes f_i` in open frames; and `stress` ``(frame, 3, 3)``, energy / volume,
        positive where the frame pulls itself together, as in ASE. Frames whose cell has no volume have no
        stress: zero. Last, the `energies` ``(N,)`` of the particles.

    Raises
    ------
    ValueError
        If the model returns anything but one energy for each particle.

    Notes
    -----
    The torque is exact for quaternions of any norm and for matrices, not the limit of a small angle, and
    no angle is ever computed: with the gradient :math:`g` of the energy with respect to what the data hold,
    columns :math:`R_c` of matrices or quaternions :math:`q = (w, v)`,

    .. math::
        \tau = -\sum_c R_c \times g_c \qquad\text{or}\qquad
        \tau = -\tfrac12 \left( w \, g_v - g_w \, v + v \times g_v \right).

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> def spring(data):  # between two particles
    ...     return 0.25 * (data.pos[0] - data.pos[1]).square().sum().expand(2)
    >>> data = EllipsoidData(
    ...     pos=[[0, 0, 0], [0, 0, 2.0]], orientations=[[1, 0, 0, 0]] * 2,
    ...     semiaxes=[[1, 1, 0.5]] * 2, types=[0, 0],
    ... )
    >>> mechanics(spring, data).forces[:, 2]
    tensor([ 2., -2.])
    """
    if (own := getattr(model, "mechanics", None)) is not None:
        result: Mechanics = own(data, body_frame=body_frame, create_graph=create_graph)
        return result
    with torch.enable_grad():
        data = copy.copy(data)
        if getattr(data, "edge_index", None) is None and (cutoff := longest_cutoff(model)):
            data = data.with_edges(cutoff)
        pos, orientations, cell = leaves = [
            differentiable(x) for x in (data.pos, data.orientations, data.cell)
        ]
        data.pos, data.orientations, data.cell = leaves
        energies = model(data)  # -> [particle]
        if energies.shape != pos.shape[:1]:
            raise ValueError(
                f"the model returned energies of shape {tuple(energies.shape)}, expected one for each "
                f"particle, {tuple(pos.shape[:1])}; mechanics sums them over the frames"
            )
        # energies that depend on nothing, as those of lone particles may, can be differentiated too
        total = energies.sum() + 0 * pos.sum()
        d_pos, d_orientations, d_cell = torch.autograd.grad(
            total, leaves, create_graph=create_graph, materialize_grads=True
        )
        frames = getattr(data, "batch", None)  # -> [particle]
        if frames is None:
            frames = torch.zeros_like(data.types)
        energy = energies.new_zeros(len(cell)).index_add(0, frames, energies)  # -> [frame]

    with torch.set_grad_enabled(create_graph):
        torques = _torques(orientations, d_orientations)  # -> [particle, 3]
        if body_frame:
            torques = (torques[:, None] @ rotation_matrices(orientations)).squeeze(1)
        virial = -_strain_derivative(pos, d_pos, cell, d_cell, frames)  # -> [frame, 3, 3]
        stress = stress_of(virial, cell)  # -> [frame, 3, 3]
    if not create_graph:
        energy, energies = energy.detach(), energies.detach()
    return Mechanics(energy, -d_pos, torques, virial, stress, energies)


def differentiable(x: Tensor) -> Tensor:
    """The tensor itself if it requires grad, else the same values as a leaf that does."""
    return x if x.requires_grad else x.detach().requires_grad_()


def longest_cutoff(model: Any) -> float | None:
    """The largest cutoff among the embeddings of a model; None if it has none."""
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    return max((m.cutoff for m in modules if isinstance(m, AniSOAPEmbedding)), default=None)


def stress_of(virial: Tensor, cell: Tensor) -> Tensor:
    """The virial per volume with its sign changed ``(frame, 3, 3)``; zero where there is no volume."""
    a, b, c = cell.unbind(1)
    volumes = (a * torch.linalg.cross(b, c)).sum(1).abs()[:, None, None]  # -> [frame, 1, 1]
    return torch.where(volumes > 0, -virial / volumes.where(volumes > 0, 1), 0)


def _torques(orientations: Tensor, gradient: Tensor) -> Tensor:
    """-dE/dθ from dE/dR or dE/dq, whichever the orientations are."""
    if orientations.dim() == 3:
        return -torch.linalg.cross(orientations, gradient, dim=1).sum(2)  # -> [particle, 3]
    w, v = orientations[:, :1], orientations[:, 1:]
    g_w, g_v = gradient[:, :1], gradient[:, 1:]
    # θ turns q = (w, v) by ½ (0, θ) q = ½ (-θ·v, w θ + θ × v)
    return -0.5 * (w * g_v - g_w * v + torch.linalg.cross(v, g_v))  # -> [particle, 3]


def _strain_derivative(
    pos: Tensor, d_pos: Tensor, cell: Tensor, d_cell: Tensor, frames: Tensor
) -> Tensor:
    """dE/dε by the chain rule: no strain has to be put in for it."""
    of_particles = pos[:, :, None] * d_pos[:, None, :]  # -> [particle, 3, 3]
    of_cells = cell.transpose(1, 2) @ d_cell  # -> [frame, 3, 3]
    derivative = of_cells.index_add(0, frames, of_particles)  # -> [frame, 3, 3]
    return 0.5 * (derivative + derivative.transpose(1, 2))
