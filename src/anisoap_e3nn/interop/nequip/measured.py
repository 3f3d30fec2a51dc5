"""Base class of nequip's graph modules whose inputs are scaled as measured on training data."""

from abc import abstractmethod
from collections.abc import Callable, Iterable

import torch
from nequip.nn import GraphModuleMixin
from torch import Tensor


class MeasuredModule(GraphModuleMixin, torch.nn.Module):  # type: ignore[misc]
    """A graph module that :class:`FeatureStatistics` calls before the first step of a training.

    Attributes
    ----------
    measured : Tensor ``()``, bool
        Whether scales were set. It is a buffer, so models from checkpoints keep their scales.
    """

    measured: Tensor
    _init_irreps: Callable[..., None]

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("measured", torch.tensor(False))
        self.dtype = torch.get_default_dtype()

    @torch.no_grad()
    def measure(self, batches: Iterable[dict[str, Tensor]]) -> None:
        """Set the scales from batches of training data."""
        self.measure_features(torch.cat([self.raw_features(dict(data)) for data in batches]))
        self.measured.fill_(True)

    @abstractmethod
    def raw_features(self, data: dict[str, Tensor]) -> Tensor:
        """Features of nequip's data before they are scaled."""

    @abstractmethod
    def measure_features(self, features: Tensor) -> None:
        """Set the scales from raw features."""
