"""What nequip must know of ellipsoids: their fields, a target of compilation, our operators in packages.

nequip imports this module by the entry point ``nequip.extension`` whenever it is imported itself.
"""

from nequip.data import register_fields
from nequip.scripts._compile_utils import (
    ASE_OUTPUTS,
    PAIR_NEQUIP_INPUTS,
    register_compile_targets,
    single_frame_batch_map_settings,
    single_frame_data_settings,
)
from nequip.scripts._package_utils import register_libraries_as_external_for_packaging

from .keys import ORIENTATIONS, SEMIAXES, TORQUES
from .products import offer_sparse_products

ELLIPSOIDS: dict[str, object] = {
    "input": [*PAIR_NEQUIP_INPUTS, ORIENTATIONS, SEMIAXES],
    "output": [*ASE_OUTPUTS, TORQUES],
    "batch_map_settings": single_frame_batch_map_settings,
    "data_settings": single_frame_data_settings,
}
"""Fields that a compiled model reads and writes: ``nequip-compile --target ellipsoids``."""

register_fields(node_fields=[ORIENTATIONS, SEMIAXES, TORQUES])
register_compile_targets({"ellipsoids": ELLIPSOIDS})
register_libraries_as_external_for_packaging(extern_modules=["anisoap_e3nn"])
offer_sparse_products()
