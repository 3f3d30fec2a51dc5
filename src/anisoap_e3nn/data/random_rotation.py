"""Random rotations of frames, to augment data."""

from typing import Any

import torch
from torch import Tensor

from ..geometry import matrices_to_quaternions, quaternions_to_matrices


class RandomRotation:
    """Transform that turns a whole frame: positions, orientations, cell, forces, torques and stress.

    PyTorch Geometric's own transforms, such as ``RandomRotate``, turn positions alone, which makes another
    system of the same numbers. Other fields stay as they are; energies and edges do not change.

    Parameters
    ----------
    generator : torch.Generator, optional
        Source of the rotations, which are uniformly distributed; by default torch's own.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> data = EllipsoidData(
    ...     pos=[[0, 0, 0], [0, 0, 2.0]], orientations=[[1, 0, 0, 0]] * 2,
    ...     semiaxes=[[1, 1, 0.5]] * 2, types=[0, 0],
    ... )
    >>> turned = RandomRotation()(data)
    >>> round(float((turned.pos[1] - turned.pos[0]).norm()), 4)
    2.0
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self.generator = generator

    def __call__(self, data: Any) -> Any:
        """A turned copy of an EllipsoidData, or of a batch of them, all frames alike."""
        quaternion = torch.randn(1, 4, dtype=torch.float64, generator=self.generator)
        return rotated(data, quaternions_to_matrices(quaternion)[0])


def rotated(data: Any, matrix: Tensor) -> Any:
    r"""A copy of the data after a rotation.

    .. math:: r \to R r, \qquad h \to h R^\top, \qquad \sigma \to R \sigma R^\top

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
    matrix : Tensor ``(3, 3)``
        Orthogonal, of determinant 1.
    """
    matrix, data = matrix.to(data.pos), data.clone()
    for name in ("pos", "cell", "forces", "torques"):
        if name in data:
            data[name] = data[name] @ matrix.T
    if "stress" in data:
        data.stress = matrix @ data.stress @ matrix.T
    if data.orientations.dim() == 3:
        data.orientations = matrix @ data.orientations
    else:
        turned = matrix @ quaternions_to_matrices(data.orientations)
        norms = data.orientations.norm(dim=1, keepdim=True)
        data.orientations = norms * matrices_to_quaternions(turned)
    return data
