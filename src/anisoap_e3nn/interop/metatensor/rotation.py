"""Rotations in metatensor's basis, to check that what makes a TensorMap is equivariant."""

import numpy.typing as npt
import torch
from e3nn.o3 import Irrep
from torch import Tensor

from ...conventions import matrix_to_zyz
from .basis import to_e3nn_basis
from .maps import (
    TensorBlock,
    TensorMap,
    blocks_of,
    irreps_of,
    library_of,
    table_of,
    tensor_of,
    with_values,
)
from .names import CARTESIAN_COMPONENT, SPHERICAL_COMPONENTS, KeyRoles


def wigner_matrix(l: int, rotation: Tensor) -> Tensor:
    r"""How real harmonics turn in metatensor's basis: :math:`Y_l(R v) = D_l(R) \, Y_l(v)`.

    .. math::
        D_l(R_z(\alpha) R_y(\beta) R_z(\gamma)) = Z(\alpha) \, Q_l^\top Z(\beta) Q_l \, Z(\gamma)

    :math:`Z` mixes m with −m by :math:`\cos m\alpha` and :math:`\sin m\alpha`, and :math:`Q_l` of
    :func:`to_e3nn_basis` brings y in the place of z. e3nn's matrices are :math:`Q_l D_l Q_l^\top`.

    Parameters
    ----------
    l : int
        ≥ 0, of any size.
    rotation : Tensor ``(..., 3, 3)``
        Rotation matrices, of determinant 1.

    Returns
    -------
    Tensor ``(..., 2l+1, 2l+1)``
        Orthogonal, of the dtype of `rotation` and accurate to it.

    Raises
    ------
    ValueError
        For a negative l, and matrices that are no rotations.

    Examples
    --------
    >>> quarter_about_z = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> wigner_matrix(1, quarter_about_z).round().int()  # of (y, z, x)
    tensor([[ 0,  0,  1],
            [ 0,  1,  0],
            [-1,  0,  0]], dtype=torch.int32)
    """
    _check_orthogonal(rotation)
    if bool((torch.linalg.det(rotation) < 0).any()):
        raise ValueError("found a reflection, expected rotations")
    Q = to_e3nn_basis(l, rotation.dtype).to(rotation.device)
    m = torch.arange(-l, l + 1, dtype=rotation.dtype, device=rotation.device)

    def about_z(angle: Tensor) -> Tensor:
        turns = angle[..., None] * m
        return torch.diag_embed(turns.cos()) - torch.diag_embed(turns.sin()).flip(-1)

    alpha, beta, gamma = matrix_to_zyz(rotation)
    return about_z(alpha) @ Q.T @ about_z(beta) @ Q @ about_z(gamma)


def rotate(tensor_map: TensorMap, rotation: Tensor | npt.ArrayLike) -> TensorMap:
    """What an equivariant calculator makes of the rotated or reflected system.

    Parameters
    ----------
    tensor_map : metatensor.TensorMap or metatensor.torch.TensorMap
        As `metatensor_to_e3nn` understands it; keys other than l and σ are left alone, whatever they
        are called. Gradients turn too, in their components ``xyz``, ``xyz_1``, ….
    rotation : Tensor or array ``(3, 3)``
        R of x → R x, proper or not.

    Returns
    -------
    TensorMap
        Of the kind, labels, dtype, device and autograd history of `tensor_map`.

    Raises
    ------
    TypeError
        For something that is not a TensorMap, and values that are complex or integers.
    ValueError
        For keys and components that are not understood, and matrices that are not orthogonal.
    """
    library_of(tensor_map, "TensorMap")
    R = torch.as_tensor(rotation).to(torch.float64)
    if R.shape != (3, 3):
        raise ValueError(f"rotation has shape {tuple(R.shape)}, expected (3, 3)")
    _check_orthogonal(R)
    handedness = 1 if torch.linalg.det(R) > 0 else -1
    blocks, keys = blocks_of(tensor_map), table_of(tensor_map.keys)
    irreps, _ = irreps_of(blocks, keys, KeyRoles.of(tensor_map.keys.names, len(keys), (), ()))
    matrices = {
        ir: wigner_matrix(ir.l, handedness * R) * (ir.p if handedness < 0 else 1) for ir in irreps
    }

    def turned(block: TensorBlock, irrep: Irrep) -> Tensor:
        values, D = tensor_of(block), matrices[irrep]
        names = [labels.names[0] for labels in block.components]
        for axis, name in enumerate(names, start=1):
            matrix = D if name in SPHERICAL_COMPONENTS else R
            if matrix is D or name.startswith(CARTESIAN_COMPONENT):
                product = torch.tensordot(matrix.to(values), values, ([1], [axis]))
                values = product.movedim(0, axis)
        is_bare = not set(names) & {*SPHERICAL_COMPONENTS, CARTESIAN_COMPONENT}
        return values * D.to(values).squeeze() if is_bare else values

    gradients = {
        parameter: [turned(b.gradient(parameter), ir) for b, ir in zip(blocks, irreps, strict=True)]
        for parameter in (blocks[0].gradients_list() if blocks else [])
    }
    values = [turned(block, ir) for block, ir in zip(blocks, irreps, strict=True)]
    return with_values(tensor_map, values, gradients)


def _check_orthogonal(rotation: Tensor) -> None:
    eye = torch.eye(3, dtype=rotation.dtype, device=rotation.device)
    if rotation.shape[-2:] != (3, 3) or not torch.allclose(
        rotation @ rotation.mT, eye, rtol=0, atol=1e-4
    ):
        raise ValueError("found matrices that are not orthogonal, expected rotations (..., 3, 3)")
