"""The model modifier ``enable_SparseProducts``: nequip's convolutions as operations of ours."""

from typing import Any

from nequip.nn import InteractionBlock
from nequip.nn._tp_scatter_base import TensorProductScatter
from nequip.nn.model_modifier_utils import model_modifier, replace_submodules


@model_modifier(persistent=False, private=False, supported_compile_modes=["aotinductor"])  # type: ignore[misc, untyped-decorator]
@classmethod
def enable_SparseProducts(cls: type, model: Any) -> Any:  # noqa: N802, named as nequip's own are
    """Compute the convolutions and their radial networks by kernels of anisoap-e3nn.

    A convolution is one pass over the edges, and so is a radial network. Results are the same to rounding, as
    are the weights and the state of the model. It makes the training of any model of nequip on CPUs faster.
    """
    from .radial_mlp import RadialMLP
    from .sparse_scatter import SparseProductScatter

    for block in model.modules():
        if isinstance(block, InteractionBlock) and RadialMLP.fits(block.edge_mlp):
            block.edge_mlp = RadialMLP(block.edge_mlp)
    return replace_submodules(model, cls, SparseProductScatter)


def offer_sparse_products() -> None:
    """Let nequip's ``modify`` find the modifier in all its models."""
    TensorProductScatter.enable_SparseProducts = enable_SparseProducts
