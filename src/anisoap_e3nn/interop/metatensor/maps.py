"""Read and build TensorMaps of metatensor and of metatensor.torch."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import torch
from e3nn.o3 import Irrep
from torch import Tensor

from ...extras import import_metatensor, import_metatensor_torch
from .names import KeyRoles, check_components
from .tables import Table

# of metatensor or of metatensor.torch, whose classes are TorchScript's: isinstance does not know them
TensorMap: TypeAlias = Any
TensorBlock: TypeAlias = Any
Labels: TypeAlias = Any


def library_of(value: object, expected: str) -> ModuleType:
    """Find out whether a TensorMap or Labels comes from metatensor or metatensor.torch.

    Parameters
    ----------
    value : TensorMap or Labels
    expected : {"TensorMap", "Labels"}
        Name of the class that `value` has to have.

    Returns
    -------
    module
        ``metatensor`` or ``metatensor.torch``.

    Raises
    ------
    TypeError
        If `value` is of another class.
    """
    found = type(value).__name__
    if isinstance(value, torch.ScriptObject):
        found = str(value._type().qualified_name())
        if found.endswith(f".metatensor.{expected}"):
            return import_metatensor_torch()
    elif isinstance(value, getattr(import_metatensor(), expected)):
        return import_metatensor()
    raise TypeError(
        f"found {found}, expected a metatensor.{expected} or metatensor.torch.{expected}"
    )


def blocks_of(tensor_map: TensorMap) -> list[TensorBlock]:
    """Blocks of a TensorMap in the order of its keys."""
    return [tensor_map.block_by_id(i) for i in range(len(tensor_map.keys))]


def irreps_of(
    blocks: Sequence[TensorBlock], keys: Table, roles: KeyRoles
) -> tuple[list[Irrep], list[bool]]:
    """Irrep of each block, and whether its components are in metatensor's basis."""
    irreps, spherical = [], []
    for key, block in zip(keys, blocks, strict=True):
        names = [name for labels in block.components for name in labels.names]
        values = [table_of(labels)[:, 0].tolist() for labels in block.components]
        irreps.append(roles.irrep(key, names))
        spherical.append(check_components(names, values, irreps[-1]))
    return irreps, spherical


def table_of(labels: Labels) -> Table:
    """Values of Labels as a NumPy array."""
    values = labels.values
    return values.cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def tensor_of(block: TensorBlock) -> Tensor:
    """Values of a block as a tensor.

    The tensor has the memory and the autograd history of the block. It is a copy only of arrays that torch
    cannot read in place.

    Raises
    ------
    TypeError
        If the values are complex or integers.
    """
    values = block.values
    if isinstance(values, Tensor):
        return check_real(values, "the blocks")
    if values.dtype.kind != "f":
        raise TypeError(f"the blocks hold {values.dtype}, expected real floating-point values")
    return torch.from_numpy(np.require(values, values.dtype.newbyteorder("="), ["C", "W"]))


def check_real(values: Tensor, what: str) -> Tensor:
    """Return the values, or raise a TypeError if they are complex or integers."""
    if not values.dtype.is_floating_point:
        raise TypeError(f"{what} hold {values.dtype}, expected real floating-point values")
    return values


def new_labels(
    library: ModuleType, names: Sequence[str], table: Table, device: torch.device
) -> Labels:
    """Build Labels of that library for values on `device`."""
    if library is import_metatensor() and device.type == "cpu":
        return library.Labels(list(names), table)
    return library.Labels(list(names), torch.tensor(table, dtype=torch.int32, device=device))


def on_device(library: ModuleType, labels: Labels, device: torch.device) -> Labels:
    """The same labels for values on another device."""
    if torch.device(str(labels.device)) == device:
        return labels
    return new_labels(library, labels.names, table_of(labels), device)


def with_values(
    like: TensorMap, values: Sequence[Tensor], gradients: Mapping[str, Sequence[Tensor]]
) -> TensorMap:
    """TensorMap with the keys, labels and info of `like`, but with other values and gradients.

    Values are NumPy arrays if those of `like` are and the new ones are on the CPU without autograd history.
    Otherwise they are tensors.
    """
    library = library_of(like, "TensorMap")
    tensors = [*values, *(tensor for parts in gradients.values() for tensor in parts)]
    arrays = all(isinstance(block.values, np.ndarray) for block in blocks_of(like)) and all(
        tensor.device.type == "cpu" and not tensor.requires_grad for tensor in tensors
    )

    def new_block(old: TensorBlock, tensor: Tensor) -> TensorBlock:
        tensor = tensor.reshape(old.values.shape)
        return library.TensorBlock(
            tensor.numpy() if arrays else tensor,
            on_device(library, old.samples, tensor.device),
            [on_device(library, labels, tensor.device) for labels in old.components],
            on_device(library, old.properties, tensor.device),
        )

    old_blocks = blocks_of(like)
    blocks = [new_block(old, tensor) for old, tensor in zip(old_blocks, values, strict=True)]
    for parameter, parts in gradients.items():
        for block, old, part in zip(blocks, old_blocks, parts, strict=True):
            block.add_gradient(parameter, new_block(old.gradient(parameter), part))
    device = tensors[0].device if tensors else torch.device(str(like.keys.device))
    tensor_map = library.TensorMap(on_device(library, like.keys, device), blocks)
    for key, value in like.info().items():
        tensor_map.set_info(key, value)
    return tensor_map
