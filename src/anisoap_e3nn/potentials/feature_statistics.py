"""Means and standard deviations of features by type, updated with batches of particles."""

import torch
from torch import Tensor


class FeatureStatistics:
    """Counts, means and squared deviations of features by type, merged without loss of digits."""

    def __init__(self, n_types: int, n_features: int) -> None:
        self._counts = torch.zeros(n_types, 1, dtype=torch.float64)
        self._means = torch.zeros(n_types, n_features, dtype=torch.float64)
        self._deviations = torch.zeros_like(self._means)  # sums of squares

    def add(self, features: Tensor, type_index: Tensor) -> None:
        """Add features of particles ``(N, feature)`` with their type indices ``(N,)``."""
        for t in type_index.unique().tolist():
            some = features[type_index == t].cpu().double()  # -> [particle, feature]
            mean, before, new = some.mean(0), self._counts[t].clone(), len(some)
            step = mean - self._means[t]
            self._counts[t] += new
            self._means[t] += step * new / self._counts[t]
            self._deviations[t] += (some - mean).square().sum(0)
            self._deviations[t] += step.square() * before * new / self._counts[t]

    def write(self, means: Tensor, scales: Tensor) -> None:
        """Write means and standard deviations into tensors ``(type, feature)``, for the types that occurred.

        Raises
        ------
        ValueError
            If there were no particles.
        """
        seen = self._counts.squeeze(1) > 0
        if not seen.any():
            raise ValueError("found no particles, expected one or more frames with particles")
        variances = self._deviations[seen] / self._counts[seen]
        squares = variances + self._means[seen].square()
        varies = variances > torch.finfo(scales.dtype).eps * squares  # beyond rounding
        squares = squares.where(squares > 0, 1)
        found = self._means[seen], torch.where(varies, variances, squares).sqrt()
        for target, values in zip((means, scales), found, strict=True):
            target[seen.to(target.device)] = values.to(target)
