"""Rotations of TensorMaps, to check calculators for equivariance."""

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
    r"""Wigner D matrix of real harmonics in metatensor's basis: :math:`Y_l(R v) = D_l(R) \, Y_l(v)`.

    .. math::
        D_l(R_z(\alpha) R_y(\beta) R_z(\gamma)) = Z(\alpha) \, Q_l^\top Z(\beta) Q_l \, Z(\gamma)

    :math:`Z` mixes m with −m by :math:`\cos m\alpha` and :math:`\sin m\alpha`. :math:`Q_l` of
    :func:`to_e3nn_basis` puts y in the place of z. e3nn's matrices are :math:`Q_l D_l Q_l^\top`.

    Parameters
    ----------
    l : int
        Degree of the harmonics, ≥ 0.
    rotation : Tensor ``(..., 3, 3)``
        Rotation matrices, with determinant 1.

    Returns
    -------
    Tensor ``(..., 2l+1, 2l+1)``
        Orthogonal matrices of the dtype of `rotation`, accurate to its precision.

    Raises
    ------
    ValueError
        If l is negative, or `rotation` holds a matrix that is no rotation.

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
        raise ValueError(
            "rotation holds a reflection, expected rotation matrices with determinant 1"
        )
    Q = to_e3nn_basis(l, rotation.dtype).to(rotation.device)
    m = torch.arange(-l, l + 1, dtype=rotation.dtype, device=rotation.device)

    def about_z(angle: Tensor) -> Tensor:
        turns = angle[..., None] * m
        return torch.diag_embed(turns.cos()) - torch.diag_embed(turns.sin()).flip(-1)

    alpha, beta, gamma = matrix_to_zyz(rotation)
    return about_z(alpha) @ Q.T @ about_z(beta) @ Q @ about_z(gamma)


def rotate(tensor_map: TensorMap, rotation: Tensor | npt.ArrayLike) -> TensorMap:
    """Rotate or reflect a TensorMap, as an equivariant calculator would for the turned system.

    Compare the result with the calculator's TensorMap of the turned system to check for equivariance.

    Parameters
    ----------
    tensor_map : metatensor.TensorMap or metatensor.torch.TensorMap
        TensorMap with l, σ and components named as for :func:`metatensor_to_e3nn`. Other keys may have any
        name. Gradients are turned too, also along their components ``xyz``, ``xyz_1``, ….
    rotation : Tensor or array ``(3, 3)``
        Orthogonal matrix R that takes positions x to R x: a rotation, or one with a reflection.

    Returns
    -------
    TensorMap
        The turned TensorMap, of the same library, labels, dtype, device and autograd history.

    Raises
    ------
    TypeError
        If `tensor_map` is not a TensorMap, or its values are complex or integers.
    ValueError
        If keys or components are unknown, or `rotation` is not an orthogonal matrix.
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
        raise ValueError(
            f"rotation of shape {tuple(rotation.shape)} is not orthogonal, expected orthogonal matrices "
            "(..., 3, 3)"
        )
