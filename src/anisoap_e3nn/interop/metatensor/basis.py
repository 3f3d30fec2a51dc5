"""Change of basis between the spherical harmonics of metatensor and of e3nn."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from ...conventions import wiki_to_e3nn

_XYZ_OF_YZX = [2, 0, 1]  # l = 1 is (y, z, x) in metatensor, (x, y, z) in e3nn
_YZX_OF_XYZ = [1, 2, 0]


def to_e3nn_basis(l: int, dtype: torch.dtype = torch.float64) -> Tensor:
    r"""The orthogonal matrix :math:`Q_l` from metatensor's basis to e3nn's.

    .. math::
        c^{e3nn} = Q_l \, c^{metatensor}, \qquad D^{e3nn}_l = Q_l D^{metatensor}_l Q_l^\top

    It is :func:`~anisoap_e3nn.conventions.wiki_to_e3nn`, with the same arguments and errors.

    Examples
    --------
    >>> to_e3nn_basis(1)  # from (y, z, x) to (x, y, z)
    tensor([[0., 0., 1.],
            [1., 0., 0.],
            [0., 1., 0.]], dtype=torch.float64)
    """
    return wiki_to_e3nn(l, dtype)


def to_metatensor_basis(l: int, dtype: torch.dtype = torch.float64) -> Tensor:
    r"""The matrix :math:`Q_l^\top` from e3nn's basis to metatensor's.

    Parameters and errors are those of :func:`to_e3nn_basis`, which gives the inverse.
    """
    return wiki_to_e3nn(l, dtype).T


def change_basis(
    parameter: Tensor, axes: Mapping[int, int], to: Literal["e3nn", "metatensor"]
) -> Tensor:
    r"""Convert a model's parameter from one basis to the other.

    Parameters with an axis m = −l..l differ between the two: offsets, targets, tables of harmonics.
    Weights that mix channels are the same in both. So are Clebsch-Gordan coefficients, because no rotation
    changes them and :math:`Q_l` is a rotation: e3nn's :math:`D_l` of the turn from (x, y, z) to (z, x, y).

    Parameters
    ----------
    parameter : Tensor
        Parameter with any number of axes.
    axes : mapping from int to int
        Axes that run over m, and the l of each: ``{0: 1, 1: 2}`` for a matrix from l = 2 to l = 1.
    to : {"e3nn", "metatensor"}
        Basis of the result. The parameter is in the other one.

    Returns
    -------
    Tensor
        The parameter in the new basis, of the same shape and dtype.

    Raises
    ------
    ValueError
        If the length of an axis is not 2l+1, or `to` is neither of the two.

    Examples
    --------
    >>> change_basis(torch.tensor([2.0, 3.0, 1.0]), {0: 1}, to="e3nn")
    tensor([1., 2., 3.])
    """
    if to not in ("e3nn", "metatensor"):
        raise ValueError(f"to is {to!r}, expected 'e3nn' or 'metatensor'")
    for axis, l in axes.items():
        if parameter.shape[axis] != 2 * l + 1:
            raise ValueError(
                f"axis {axis} of shape {tuple(parameter.shape)} has {parameter.shape[axis]} entries, "
                f"expected 2l+1 = {2 * l + 1} for l = {l}"
            )
        first = parameter.movedim(axis, 0)
        columns = first.reshape(2 * l + 1, -1)
        turned = turn_components(columns, l, back=to == "metatensor")
        parameter = turned.view(first.shape).movedim(0, axis)
    return parameter


def turn_components(x: Tensor, l: int, back: bool) -> Tensor:
    r"""Change the basis of the first axis: :math:`Q_l x`, or :math:`Q_l^\top x` if `back`.

    Components of l = 0 and l = 1 are only reordered, so that a round trip is exact to the last bit.
    """
    if l == 0:
        return x
    if l == 1:
        return x[_YZX_OF_XYZ if back else _XYZ_OF_YZX]
    # a matrix rounded to the 8 bits of bfloat16 is not orthogonal
    dtype = torch.promote_types(x.dtype, torch.float32)
    Q = wiki_to_e3nn(l, dtype).to(x.device)
    return ((Q.T if back else Q) @ x.to(dtype)).to(x.dtype)
