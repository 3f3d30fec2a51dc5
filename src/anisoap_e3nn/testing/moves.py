"""Frames whose particles are moved, turned, strained, reordered or left out."""

from typing import Any

import torch
from torch import Tensor

from ..geometry import matrices_to_quaternions, rotation_matrices
from ..graph import frame_index

_OF_FRAMES = frozenset({"cell", "pbc", "ptr", "batch"})


def replaced(data: Any, **fields: Tensor) -> Any:
    """A copy of the data with other fields."""
    data = data.clone()
    for name, value in fields.items():
        data[name] = value
    return data


def transformed(data: Any, matrix: Tensor) -> Any:
    r"""The data after a rotation, or a rotation and reflection, S.

    .. math:: r \to S r, \qquad h \to h S^\top, \qquad R_i \to \det(S) \, S R_i

    Ellipsoids are their own mirror images, so that their axes may turn as pseudovectors do.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
    matrix : Tensor ``(3, 3)``
        Orthogonal.
    """
    turned = torch.linalg.det(matrix) * matrix @ rotation_matrices(data.orientations)
    return replaced(
        data,
        pos=data.pos @ matrix.T,
        cell=data.cell @ matrix.T,
        orientations=_spelled_as(data.orientations, turned),
    )


def translated(data: Any, shifts: Tensor) -> Any:
    """Frames translated by vectors ``(frame, 3)``, a length."""
    frames, _ = frame_index(data)
    return replaced(data, pos=data.pos + shifts.to(data.pos)[frames])


def moved_to_images(data: Any, cells: Tensor) -> Any:
    """Particles replaced by their images, whole numbers ``(N, 3)`` of lattice vectors away."""
    frames, _ = frame_index(data)
    cells = (cells.to(data.pbc.device) * data.pbc[frames]).to(data.pos)  # -> [particle, 3]
    fields = {"pos": data.pos + (cells[:, None] @ data.cell[frames]).squeeze(1)}
    if "edge_index" in data and "edge_shifts" in data:
        neighbors, centers = data.edge_index
        fields["edge_shifts"] = data.edge_shifts - cells[neighbors] + cells[centers]
    return replaced(data, **fields)


def half_turned(data: Any, axis: int, particles: Tensor) -> Any:
    """Some particles after half a turn about their own axis 0, 1 or 2; quaternions change norm and sign."""
    signs = torch.ones_like(data.pos)
    signs[particles] = 2 * torch.eye(3).to(signs)[axis] - 1
    turned = rotation_matrices(data.orientations) * signs[:, None]
    factor = -1.5 if data.orientations.dim() == 2 else 1.0
    return replaced(data, orientations=factor * _spelled_as(data.orientations, turned))


def permuted(data: Any, order: Tensor) -> Any:
    """Particles, with all that belongs to them, in the order ``(N,)``; edges follow them."""
    data = replaced(data, **{name: data[name][order] for name in particle_fields(data)})
    if "edge_index" in data:
        data.edge_index = order.argsort()[data.edge_index]
    return data


def displaced(data: Any, displacements: Tensor) -> Any:
    """Particles displaced by vectors ``(N, 3)``, a length."""
    return replaced(data, pos=data.pos + displacements)


def turned(data: Any, rotation_vectors: Tensor) -> Any:
    r"""Particles turned in space, :math:`R_i \to e^{[\theta_i]_\times} R_i`, by θ ``(N, 3)``."""
    if data.orientations.dim() == 3:
        x, y, z = rotation_vectors.unbind(1)
        zeros = torch.zeros_like(x)
        generators = torch.stack([zeros, -z, y, z, zeros, -x, -y, x, zeros], 1)  # -> [particle, 9]
        turns = torch.linalg.matrix_exp(generators.unflatten(1, (3, 3)))
        return replaced(data, orientations=turns @ data.orientations)
    angles = rotation_vectors.norm(dim=1, keepdim=True)  # -> [particle, 1]
    a, u = (angles / 2).cos(), rotation_vectors / 2 * torch.sinc(angles / (2 * torch.pi))
    w, v = data.orientations[:, :1], data.orientations[:, 1:]
    scalars = a * w - (u * v).sum(1, keepdim=True)  # of the product of quaternions (a, u) (w, v)
    vectors = a * v + w * u + torch.linalg.cross(u, v)
    return replaced(data, orientations=torch.cat([scalars, vectors], 1))


def strained(data: Any, strains: Tensor) -> Any:
    """Positions and lattice vectors times 1 + ε, with the strains ε ``(frame, 3, 3)`` of each frame."""
    frames, _ = frame_index(data)
    pos = data.pos + (data.pos[:, None] @ strains[frames]).squeeze(1)
    return replaced(data, pos=pos, cell=data.cell + data.cell @ strains)


def part_of(data: Any, particles: list[int]) -> Any:
    """A frame of some of the particles of one frame, and the edges between them."""
    index = torch.tensor(particles, dtype=torch.int64, device=data.pos.device)
    part = replaced(data, **{name: data[name][index] for name in particle_fields(data)})
    if "edge_index" in data:
        new = torch.full_like(data.types, -1)
        new[index] = torch.arange(len(index), device=index.device)
        kept = (new[data.edge_index] >= 0).all(0)
        n_edges = len(kept)
        for name, value in data.to_dict().items():
            if name.startswith("edge_") and name not in ("edge_index", "edge_cutoff"):
                part[name] = value[kept] if len(value) == n_edges else value
        part.edge_index = new[data.edge_index[:, kept]]
    return part


def particle_fields(data: Any) -> list[str]:
    """Names of the tensors that have a row for each particle."""
    n = len(data.types)
    return [
        name
        for name, value in data.to_dict().items()
        if isinstance(value, Tensor)
        and value.dim() > 0
        and len(value) == n
        and name not in _OF_FRAMES
        and not name.startswith("edge_")
    ]


def _spelled_as(orientations: Tensor, matrices: Tensor) -> Tensor:
    """Rotation matrices as matrices, or as quaternions of the same norms, like given orientations."""
    if orientations.dim() == 3:
        return matrices
    return matrices_to_quaternions(matrices) * orientations.norm(dim=1, keepdim=True)
