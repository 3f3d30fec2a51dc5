"""Particle types that a model knows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .arguments import integers
from .layer import Layer
from .tensor_arguments import check_tensors
from .tracing import assert_on_gpu, is_readable


class TypeIndex(Layer):
    """From types of particles to their positions in a model's list of types.

    Parameters
    ----------
    types : sequence of int
        All different.
    owner : str
        What has this list, such as "this embedding", for messages.

    Attributes
    ----------
    types : list of int
    values : Tensor ``(type,)``, int64
        The same as a buffer, which checkpoints do not hold.

    Raises
    ------
    TypeError
        If types are no integers.
    ValueError
        Without types, and for equal ones.

    Examples
    --------
    >>> TypeIndex([6, 1], "this example")(torch.tensor([1, 6, 6]))
    tensor([1, 0, 0])
    """

    values: Tensor

    def __init__(self, types: Sequence[int], owner: str) -> None:
        super().__init__()
        self.types = integers("types", types)
        self.owner = owner
        if not self.types or len(set(self.types)) != len(self.types):
            raise ValueError(f"types is {self.types}, expected one or more different integers")
        self.register_constant("values", torch.tensor(self.types))

    def __len__(self) -> int:
        return len(self.types)

    def forward(self, types: Tensor) -> Tensor:
        """Positions in the list ``(N,)`` of types ``(N,)``, int64.

        Raises
        ------
        ValueError
            For types that are not in the list, except while a tracer is at work. On a GPU the error comes
            later, when a result is first looked at.
        """
        check_tensors(types=types)
        if types.dim() != 1 or types.dtype != torch.int64:
            raise TypeError(
                f"types is {types.dtype} of shape {tuple(types.shape)}, expected torch.int64 of shape (N,)"
            )
        found, index = torch.eq(types[:, None], self.values).max(dim=1)  # -> [particle]
        known = f"{self.owner} was built for types={self.types}"
        assert_on_gpu(found, lambda each: each, f"unknown particle types: {known:.200}")
        if is_readable(found) and not found.all():
            unknown = sorted(set(types.tolist()) - set(self.types))
            raise ValueError(f"unknown particle types {unknown}: {known}")
        return index

    def extra_repr(self) -> str:
        return f"{self.types}"
