"""Products of 3-vectors and symmetric 3 × 3 matrices of many pairs at once.

Components come first and pairs last, so that every operation runs along pairs.
"""

import torch
from torch import Tensor


def components_first(x: Tensor) -> Tensor:
    """From ``(pair, 3, ...)`` to ``(3, ..., pair)``, contiguous."""
    return x.movedim(0, -1).contiguous()


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar products of vectors: ``(3, ...)`` to ``(...)``."""
    return (a * b).sum(0)


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Cross products of vectors, or of the columns of matrices ``(3, ...)``."""
    return (a * b.roll(-1, 0) - a.roll(-1, 0) * b).roll(-1, 0)


def apply(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Products of symmetric matrices ``(3, 3, ...)`` and vectors ``(3, ...)``."""
    x, y, z = matrices
    return x * vectors[0] + y * vectors[1] + z * vectors[2]  # -> [3, ...]


def square(matrices: Tensor) -> Tensor:
    """Squares of symmetric matrices ``(3, 3, ...)``."""
    x, y, z = matrices
    return x[:, None] * x + y[:, None] * y + z[:, None] * z  # -> [3, 3, ...]


def trace_of_product(a: Tensor, b: Tensor) -> Tensor:
    """Traces of the products of two symmetric matrices: ``(3, 3, ...)`` to ``(...)``."""
    return (a * b).sum((0, 1))


def solve(matrices: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    r"""Solve :math:`M s = v` for symmetric matrices with rows x, y and z, by Cramer's rule.

    .. math::
        s \det M = v_1 \, y \times z + v_2 \, z \times x + v_3 \, x \times y
                 = v_1 \, y \times z + x \times (v_3 y - v_2 z), \qquad \det M = x \cdot (y \times z)

    Parameters
    ----------
    matrices : Tensor ``(3, 3, ...)``
        Not singular.
    vectors : Tensor ``(3, ...)``

    Returns
    -------
    solutions : Tensor ``(3, ...)``
    determinants : Tensor ``(...)``

    Notes
    -----
    ``torch.linalg.solve`` takes several times as long for many small matrices.
    """
    x, y, z = matrices
    yz = cross(y, z)
    determinants = dot(x, yz)  # -> [...]
    scaled = vectors[0] * yz + cross(x, vectors[2] * y - vectors[1] * z)  # -> [3, ...]
    return scaled / determinants, determinants


def inverse(matrices: Tensor) -> Tensor:
    """Inverses of symmetric matrices ``(3, 3, ...)``, by Cramer's rule."""
    x, y, z = matrices
    yz = cross(y, z)
    return torch.stack([yz, cross(z, x), cross(x, y)]) / dot(x, yz)  # -> [3, 3, ...]
