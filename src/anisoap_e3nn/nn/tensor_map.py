"""Conversion of particles' features to metatensor."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..conventions import wiki_to_e3nn
from ..extras import import_metatensor_torch


def features_to_tensor_map(
    x: Tensor,
    irreps: o3.Irreps,
    property_names: Sequence[str],
    properties: Mapping[Any, Tensor],
    types: Tensor,
    center_types: Sequence[int],
    batch: Tensor | None = None,
) -> Any:
    r"""Convert features in e3nn's basis to a ``metatensor.torch.TensorMap``.

    There is a block for each irrep and type of centre, in the basis of metatensor,
    :math:`x^{wiki}_l = Q_l^\top x^{e3nn}_l`. Autograd works through the conversion.

    Parameters
    ----------
    x : Tensor ``(N, irreps.dim)``
        Features in e3nn's ``mul_ir`` layout.
    irreps : Irreps
        Irreps of the features. Entries of one irrep share blocks, their channels one after another.
    property_names : sequence of str
        Names of the properties.
    properties : mapping from Irrep to Tensor ``(channel, name)``
        Values of the properties, for the channels of each irrep.
    types : Tensor ``(N,)``, int64
        Types of the particles.
    center_types : sequence of int
        Types that get blocks, whether particles of them occur or not.
    batch : Tensor ``(N,)``, int64, optional
        Frame of each particle, from 0; by default there is one frame.

    Returns
    -------
    metatensor.torch.TensorMap
        Keys ``o3_lambda``, ``o3_sigma`` and ``center_type``, samples ``system`` and ``atom``, component
        ``o3_mu``.

    Raises
    ------
    ValueError
        If the shape of `x` is not that of the irreps and types.
    """
    if x.shape != (len(types), irreps.dim):
        raise ValueError(
            f"x has shape {tuple(x.shape)}, expected {(len(types), irreps.dim)}: the features {irreps} of "
            f"{len(types)} particles"
        )
    metatensor = import_metatensor_torch()

    def labels(names: Sequence[str], values: Tensor) -> Any:
        return metatensor.Labels(list(names), values.to(x.device, torch.int32))

    of_type = [(types == center_type).nonzero().flatten() for center_type in center_types]
    particles = _system_and_atom(types, batch)  # -> [particle, 2]
    samples = [labels(("system", "atom"), particles[rows]) for rows in of_type]
    keys, blocks = [], []
    for ir, values in _by_irrep(x, irreps).items():
        to_wiki = wiki_to_e3nn(ir.l).to(x)  # Qᵀ from the left is Q from the right
        values = (values @ to_wiki).transpose(1, 2)  # -> [particle, 2l+1, channel]
        orders = torch.arange(-ir.l, ir.l + 1)[:, None]  # m -> [2l+1, 1]
        for center_type, rows, its_samples in zip(center_types, of_type, samples, strict=True):
            keys.append((ir.l, ir.p * (-1) ** ir.l, center_type))
            blocks.append(
                metatensor.TensorBlock(
                    values.index_select(0, rows),
                    its_samples,
                    [labels(("o3_mu",), orders)],
                    labels(property_names, properties[ir]),
                )
            )
    names = ("o3_lambda", "o3_sigma", "center_type")
    # int32 from the start, so that a type beyond it is refused and not wrapped
    key_values = torch.tensor(keys, dtype=torch.int32).view(-1, 3)
    return metatensor.TensorMap(labels(names, key_values), blocks)


def channel_properties(irreps: o3.Irreps) -> tuple[list[str], dict[Any, Tensor]]:
    """Property ``channel``: the numbers of the channels of each irrep ``(channel, 1)``."""
    return ["channel"], {ir: torch.arange(irreps.count(ir))[:, None] for _, ir in irreps}


def _by_irrep(x: Tensor, irreps: o3.Irreps) -> dict[Any, Tensor]:
    """Features of each irrep -> [particle, channel, 2l+1]."""
    parts: dict[Any, list[Tensor]] = {}
    for (mul, ir), columns in zip(irreps, irreps.slices(), strict=True):
        parts.setdefault(ir, []).append(x[:, columns].unflatten(1, (mul, ir.dim)))
    return {ir: torch.cat(parts[ir], dim=1) for ir in sorted(parts)}


def _system_and_atom(types: Tensor, batch: Tensor | None) -> Tensor:
    """Frame of each particle, and number of the particle in its frame."""
    if batch is None:
        batch = torch.zeros_like(types)
    by_frame = batch.argsort(stable=True)  # -> [particle]
    sizes = batch.bincount()  # -> [frame]
    atoms = torch.empty_like(batch)
    first = (sizes.cumsum(0) - sizes).index_select(0, batch[by_frame])
    atoms[by_frame] = torch.arange(len(batch), device=batch.device) - first
    return torch.stack([batch, atoms], dim=1)  # -> [particle, 2]
