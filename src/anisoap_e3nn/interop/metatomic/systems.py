"""Systems of metatomic from frames of ellipsoids."""

from typing import Any

import torch
from torch import Tensor

from ...data import EllipsoidData
from ...extras import import_metatensor_torch, import_metatomic_torch

ORIENTATIONS = "ase::arrays::orientations"
SEMIAXES = "ase::arrays::semiaxes"


def metatomic_system(data: EllipsoidData, model: Any) -> Any:
    """Make the ``System`` of a frame that a model of :func:`export_metatomic` takes.

    Parameters
    ----------
    data : EllipsoidData
        One frame, in the unit of length and the dtype of the model.
    model : AtomisticModel
        The loaded model: its neighbour lists are computed, and its requested inputs added.

    Returns
    -------
    metatomic.torch.System
        Its positions require a gradient.
    """
    metatensor, metatomic = import_metatensor_torch(), import_metatomic_torch()
    labels, tensor_block = metatensor.Labels, metatensor.TensorBlock
    system = metatomic.System(
        data.types.to(torch.int32),
        data.pos.detach().clone().requires_grad_(True),
        data.cell[0] * data.pbc[0][:, None],  # metatomic wants zeros where nothing is periodic
        data.pbc[0],
    )
    for options in model.requested_neighbor_lists():
        edges = data.with_edges(options.cutoff)
        samples = torch.cat([edges.edge_index.flip(0).T, edges.edge_shifts.long()], dim=1)
        neighbors, centers = edges.edge_index.unbind()
        vectors = edges.pos[neighbors] - edges.pos[centers] + edges.edge_shifts @ edges.cell[0]
        names = ["first_atom", "second_atom", "cell_shift_a", "cell_shift_b", "cell_shift_c"]
        block = tensor_block(
            values=vectors.detach()[:, :, None],
            samples=labels(names, samples.to(torch.int32)),
            components=[labels.range("xyz", 3)],
            properties=labels.range("distance", 1),
        )
        metatomic.register_autograd_neighbors(system, block)
        system.add_neighbor_list(options, block)
    for name, values in ((ORIENTATIONS, data.orientations), (SEMIAXES, data.semiaxes)):
        system.add_data(name, _input_map(values))
    return system


def _input_map(values: Tensor) -> Any:
    metatensor = import_metatensor_torch()
    labels = metatensor.Labels
    n, width = values.shape
    rows = torch.stack([torch.zeros(n), torch.arange(n)], dim=1).to(torch.int32)
    block = metatensor.TensorBlock(
        values=values[:, :, None],
        samples=labels(["system", "atom"], rows),
        components=[labels.range("component", width)],
        properties=labels.range("_", 1),
    )
    return metatensor.TensorMap(labels.range("_", 1), [block])
