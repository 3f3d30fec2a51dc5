"""Arguments that nobody should pass: values of wrong kinds, and valid ones made faulty."""

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

KINDS: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 3,
    lambda: 10**30,
    lambda: 2.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: -float("inf"),
    lambda: 1e300,
    lambda: 1e-300,
    lambda: 1j,
    lambda: Fraction(5, 2),
    lambda: "",
    lambda: "x",
    lambda: "1",
    lambda: "0e",
    lambda: b"1",
    lambda: [],
    lambda: [1],
    lambda: [1, 2, 3],
    lambda: [1.5, None],
    lambda: [[1.0, 2.0], [3.0]],
    lambda: ["a", "b"],
    lambda: (),
    lambda: {},
    lambda: {"a": 1},
    lambda: {1, 2},
    lambda: object(),
    lambda: len,
    lambda: np.int64(2),
    lambda: np.float32(2.5),
    lambda: np.array(2),
    lambda: np.arange(3),
    lambda: np.ones((2, 2)),
    lambda: np.array(["a"]),
    lambda: torch.tensor(2),
    lambda: torch.tensor(2.5),
    lambda: torch.tensor([]),
    lambda: torch.ones(3),
    lambda: torch.ones(3, dtype=torch.int64),
    lambda: torch.ones(4, 3, dtype=torch.float16),
    lambda: torch.ones(4, 3, dtype=torch.complex64),
    lambda: torch.ones(4, 3, dtype=torch.bool),
    lambda: torch.ones(4, 4, 4, 4),
    lambda: torch.zeros(0, 3),
    lambda: torch.ones(4, 3, device="meta"),
    lambda: torch.eye(3).to_sparse(),
    lambda: torch.nn.Identity(),
]


def _one_entry(value: Tensor, number: float) -> Tensor:
    changed = value.clone()
    if changed.numel() and changed.dtype != torch.uint8:  # which holds few numbers
        changed.view(-1)[changed.numel() // 2] = number
    return changed


OF_TENSORS: list[Callable[[Tensor], Any]] = [
    lambda x: x.tolist(),
    lambda x: x.numpy(),
    lambda x: x.double(),
    lambda x: x.half(),
    lambda x: x.long(),
    lambda x: x.int(),
    lambda x: x.bool(),
    lambda x: x.to("meta"),
    lambda x: x[:-1],
    lambda x: x[None],
    lambda x: x.flatten(),
    lambda x: x.mT if x.dim() > 1 else x.flip(0),
    lambda x: torch.cat([x, x]),
    lambda x: x[..., :2],
    lambda x: x[:0],
    lambda x: x.flip(0),
    lambda x: _one_entry(x, 10**6),
    lambda x: _one_entry(x, -7),
    lambda x: _one_entry(x, 0),
    lambda x: _one_entry(x.double(), float("nan")).to(x.dtype),
    lambda x: _one_entry(x.double(), float("inf")).to(x.dtype),
    lambda x: 0 * x,
    lambda x: x * 10**18,
    lambda x: [*x],
    lambda x: (x, x),
]
OF_LISTS: list[Callable[[Any], Any]] = [
    lambda x: [*x, *x],
    lambda x: [*x][:-1],
    lambda x: [*x, None],
    lambda x: [[*x]],
    lambda x: iter(x),
    lambda x: str(x),
    lambda x: np.array([*x], dtype=object),
    lambda x: dict(enumerate(x)),
]


def odd_value(valid: Any, random: random.Random) -> Any:
    """A value of the wrong kind, or a valid one made faulty, where that is possible."""
    if isinstance(valid, Tensor) and random.random() < 0.6:
        return random.choice(OF_TENSORS)(valid.detach().clone())
    if isinstance(valid, list | tuple) and random.random() < 0.4:
        return random.choice(OF_LISTS)(valid)
    return random.choice(KINDS)()


def described(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Tensor):
        numbers = (
            "" if value.is_meta or value.is_sparse or value.numel() > 12 else f" {value.tolist()}"
        )
        return f"<{value.dtype} {tuple(value.shape)} on {value.device}{numbers}>"
    return " ".join(f"{value!r:.100}".split())
