"""Least squares with more rows than memory holds, by triangular factors."""

import torch
from torch import Tensor


class TriangularFactor:
    r"""The factor R of :math:`[X \; y] = QR`, updated with batches of rows.

    Least squares needs nothing else of the rows. R is as precise as by a single QR of all rows, and takes the
    memory of a few square matrices.

    Attributes
    ----------
    total_weight : float
        Sum of the weights of the rows.
    """

    def __init__(self) -> None:
        self.total_weight = 0.0
        self._blocks: list[Tensor] = []
        self._sum = self._sum_of_squares = 0.0

    def add(
        self,
        rows: Tensor,
        values: Tensor,
        offsets: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> None:
        """Add rows.

        Parameters
        ----------
        rows : Tensor ``(n, column)``
            Rows of X.
        values : Tensor ``(n,)``
            Data, whose :attr:`spread` is kept.
        offsets : Tensor ``(n,)``, optional
            What is known of the data: y is the rest, ``values - offsets``.
        weights : Tensor ``(n,)``, optional
            Weights ≥ 0 of the squared residuals; by default 1.
        """
        weights = torch.ones_like(values) if weights is None else weights
        y = values if offsets is None else values - offsets
        self.total_weight += float(weights.sum())
        self._sum += float((weights * values).sum())
        self._sum_of_squares += float((weights * values.square()).sum())
        block = torch.cat([rows, y[:, None]], dim=1) * weights.sqrt()[:, None]
        self._blocks.append(block.double())
        if sum(map(len, self._blocks)) > 2 * self._blocks[0].shape[1]:
            self._reduce()

    @property
    def triangle(self) -> Tensor:
        """The factor R, with at most as many rows as columns."""
        self._reduce()
        return self._blocks[0]

    @property
    def spread(self) -> float:
        """Variance of the data; their mean square if the variance is zero, and 1 if both are zero."""
        total = self.total_weight or 1.0
        mean, mean_square = self._sum / total, self._sum_of_squares / total
        variance = mean_square - mean**2
        return variance if variance > 1e-12 * mean_square else mean_square or 1.0

    def r_squared(self, solution: Tensor) -> float:
        """Coefficient of determination of a solution ``(column,)``."""
        residuals = self.triangle[:, :-1] @ solution - self.triangle[:, -1]
        return 1 - float(residuals.square().sum()) / (self.spread * (self.total_weight or 1.0))

    def _reduce(self) -> None:
        if len(self._blocks) > 1 or self._blocks[0].shape[0] > self._blocks[0].shape[1]:
            self._blocks = [torch.linalg.qr(torch.cat(self._blocks), mode="r").R]


def solve_ridge(augmented: Tensor, ridge: float) -> Tensor:
    r"""Minimise :math:`|X w - y|^2 + \alpha \sum_k s_k^2 w_k^2` with the norms s of the columns.

    Parameters
    ----------
    augmented : Tensor ``(row, column + 1)``
        :math:`[X \; y]`.
    ridge : float
        :math:`\alpha`. With 0 the solution has the smallest norm, in the scaled weights.

    Returns
    -------
    Tensor ``(column,)``
        Solution w. It is zero for columns that are zero to rounding of the largest column.
    """
    X, y = augmented[:, :-1], augmented[:, -1]
    rounding = torch.finfo(X.dtype).eps * max(X.shape)
    norms = X.norm(dim=0)
    scales = torch.where(norms > rounding * norms.amax(), 1 / norms, 0)
    U, S, Vh = torch.linalg.svd(X * scales, full_matrices=False)
    kept = rounding * S.amax() < S
    inverse = torch.where(kept, S / (S.square() + ridge).where(kept, 1), 0)
    return Vh.mT @ (inverse * (U.mT @ y)) * scales
