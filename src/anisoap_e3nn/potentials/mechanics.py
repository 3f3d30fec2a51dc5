"""Forces, torques, virial and stress of a model."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..arguments import flag
from ..data.mechanics import Mechanics
from ..geometry import to_body_frame, torques_of_gradient
from ..graph import VerletList, frame_index
from ..precision import without_autocast
from ..tensor_arguments import check_callable, check_data
from ..tracing import is_tracing
from .configuration import Configuration
from .potential import Analytic
from .stacked import terms_of


@without_autocast
def mechanics(
    model: Callable[[Any], Tensor],
    data: Any,
    *,
    body_frame: bool = False,
    create_graph: bool = False,
    neighbors: VerletList | None = None,
) -> Mechanics:
    r"""Compute energies, forces, torques, virial and stress of a model by one backward pass.

    .. math::
        f_i = -\frac{\partial E}{\partial r_i}, \qquad
        \tau_i = -\frac{\partial E}{\partial \theta_i}, \quad R_i \to e^{[\theta_i]_\times} R_i, \qquad
        W = -\frac{\partial E}{\partial \varepsilon}, \quad
        r \to (1 + \varepsilon) r, \; h \to h (1 + \varepsilon), \qquad
        \sigma = -W / V

    The strain :math:`\varepsilon` is symmetric. It acts on positions and cell vectors, not on orientations
    and semi-axes. (An antisymmetric strain would only give the total torque.)

    :class:`Analytic` potentials are evaluated without autograd. The other terms of a
    :class:`StackedPotential` share one backward pass. All terms share one graph.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData or a Batch of them
        One or more frames, not modified. Without `edge_index`, neighbours are searched once, up to the cutoff
        of the model: its `cutoff`, else the largest of its potentials and embeddings.
    body_frame : bool
        Whether torques are given along the axes of the particles, :math:`R_i^\top \tau_i`, instead of those
        of space.
    create_graph : bool
        Whether the results can be differentiated again, for training on them. Otherwise they have no graph.
    neighbors : VerletList, optional
        Neighbour list to reuse for several configurations.

    Returns
    -------
    Mechanics
        Named tuple of `energy` ``(frame,)``; `forces` ``(N, 3)``, energy / length; `torques` ``(N, 3)``,
        energy; `virial` ``(frame, 3, 3)``, energy, in open frames the symmetric part of
        :math:`\sum_i r_i \otimes f_i`; `stress` ``(frame, 3, 3)``, energy / volume, positive if the frame
        would contract, as in ASE, and zero for cells without volume; and `energies` ``(N,)`` of the
        particles.

    Raises
    ------
    ValueError
        If the model does not return one energy per particle, or the data's own edges or `neighbors` have a
        smaller cutoff than the model.

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
    check_callable("model", model)
    body_frame, create_graph = flag("body_frame", body_frame), flag("create_graph", create_graph)
    check_data(data)
    # inference mode has no graphs, and enable_grad does not end it
    if not is_tracing() and torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            return mechanics(
                model,
                _without_inference_tensors(data),
                body_frame=body_frame,
                create_graph=create_graph,
                neighbors=neighbors,
            )
    terms = terms_of(model)
    analytic = [term for term in terms if isinstance(term, Analytic)]
    others = [term for term in terms if not isinstance(term, Analytic)]
    if others:
        data = _with_leaves(data)
    configuration = Configuration(data, terms, neighbors)
    results = [_by_autograd(configuration, others, create_graph)] if others else []
    with torch.set_grad_enabled(create_graph):
        results += [term.derivatives(data, configuration.edges(term)) for term in analytic]
        total = Mechanics(*(sum(each[1:], start=each[0]) for each in zip(*results, strict=True)))
        if body_frame:
            total = total._replace(torques=to_body_frame(total.torques, data.orientations))
    return total if create_graph else Mechanics(*(x.detach() for x in total))


def differentiable(x: Tensor) -> Tensor:
    """The tensor itself if it requires grad, else a leaf of equal values that does."""
    return x if x.requires_grad else x.detach().requires_grad_()


def _without_inference_tensors(data: Any) -> Any:
    data = copy.copy(data)
    for name, value in data.to_dict().items():
        if isinstance(value, Tensor) and value.is_inference():
            setattr(data, name, value.clone())
    return data


def _with_leaves(data: Any) -> Any:
    data = copy.copy(data)
    for name in ("pos", "orientations", "cell"):
        setattr(data, name, differentiable(getattr(data, name)))
    return data


def _by_autograd(configuration: Configuration, terms: list[Any], create_graph: bool) -> Mechanics:
    """Sum of terms and its derivatives by one backward pass."""
    data = configuration.data
    leaves = data.pos, data.orientations, data.cell
    with torch.enable_grad():
        each = [configuration.energies(term) for term in terms]
        energies = sum(each[1:], start=each[0])  # -> [particle]
        # plus zero times positions: constant energies, as of lone particles, can be differentiated too
        total = energies.sum() + 0 * data.pos.sum()
        d_pos, d_orientations, d_cell = torch.autograd.grad(
            total, leaves, create_graph=create_graph, materialize_grads=True
        )
    with torch.set_grad_enabled(create_graph):
        torques = torques_of_gradient(data.orientations, d_orientations)  # -> [particle, 3]
        virial = -_strain_derivative(data, d_pos, d_cell)  # -> [frame, 3, 3]
        return Mechanics.of_particles(data, energies, -d_pos, torques, virial)


def _strain_derivative(data: Any, d_pos: Tensor, d_cell: Tensor) -> Tensor:
    """dE/dε ``(frame, 3, 3)`` by the chain rule, without a strain in the graph."""
    frames, _ = frame_index(data)
    of_particles = data.pos[:, :, None] * d_pos[:, None, :]  # -> [particle, 3, 3]
    of_cells = data.cell.transpose(1, 2) @ d_cell  # -> [frame, 3, 3]
    derivative = of_cells.index_add(0, frames, of_particles)  # -> [frame, 3, 3]
    return 0.5 * (derivative + derivative.transpose(1, 2))
