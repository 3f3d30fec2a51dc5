"""Layers that remember, and store, how they were made."""

import inspect
import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .layer import Layer


class HyperparameterModule(Layer):
    """A module whose checkpoints name its hyperparameters and fit no module with others.

    Subclasses set `hyperparameters`, the arguments of their constructor.
    """

    hyperparameters: dict[str, Any]

    def get_extra_state(self) -> Tensor:
        """The hyperparameters, as the bytes of a JSON text: a tensor, so that any format stores it."""
        return torch.tensor(list(self._json().encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Refuses the checkpoint of a module with other hyperparameters."""
        theirs, ours = json.loads(bytes(state.tolist()).decode()), json.loads(self._json())
        # an older version lacked some, and did then what their defaults do now
        parameters = inspect.signature(type(self)).parameters
        theirs = {k: parameters[k].default for k in ours if k in parameters} | theirs
        differing = [k for k in ours if ours[k] != theirs.get(k)]
        if differing:
            raise ValueError(
                "the checkpoint was written by a module with other hyperparameters: "
                + ", ".join(f"{k}={theirs.get(k)!r} (here {ours[k]!r})" for k in differing)
            )

    @property
    def shared_hyperparameters(self) -> dict[str, Any]:
        """Those that another module must share to take this one's state: all of them."""
        return self.hyperparameters

    def _json(self) -> str:
        return json.dumps(self.shared_hyperparameters, default=_plain)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else repr(value)
