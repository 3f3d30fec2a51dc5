"""metatensor's labelled blocks and e3nn's irreps, both ways and with nothing lost."""

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

import_metatensor()  # which raises at once where it is missing
let_torchscript_select()  # so that metatensor.torch imports after torch-geometric too
