"""Convert TensorMaps of metatensor to tensors in e3nn's irreps, and back without loss."""

from ...extras import import_metatensor, let_torchscript_select
from .basis import change_basis, to_e3nn_basis, to_metatensor_basis
from .rotation import rotate, wigner_matrix
from .to_e3nn import e3nn_labels, metatensor_to_e3nn
from .to_metatensor import e3nn_to_metatensor

__all__ = [
    "change_basis",
    "e3nn_labels",
    "e3nn_to_metatensor",
    "metatensor_to_e3nn",
    "rotate",
    "to_e3nn_basis",
    "to_metatensor_basis",
    "wigner_matrix",
]

import_metatensor()  # raises at once if metatensor is not installed
let_torchscript_select()  # lets metatensor.torch be imported after torch-geometric
