"""The model modifier ``enable_SparseProducts``: nequip's convolutions as one operation of ours."""

from typing import Any

from nequip.nn._tp_scatter_base import TensorProductScatter
from nequip.nn.model_modifier_utils import model_modifier, replace_submodules


@model_modifier(persistent=False, private=False, supported_compile_modes=["aotinductor"])  # type: ignore[misc, untyped-decorator]
@classmethod
def enable_SparseProducts(cls: type, model: Any) -> Any:  # noqa: N802, named as nequip's own are
    """Compute the convolutions by a kernel of anisoap-e3nn, in one pass over the edges.

    Results are the same to rounding, and so are the weights and the state of the model. It makes the training
    of any model of nequip on CPUs faster.
    """
    from .sparse_scatter import SparseProductScatter

    return replace_submodules(model, cls, SparseProductScatter)


def offer_sparse_products() -> None:
    """Let nequip's ``modify`` find the modifier in all its models."""
    TensorProductScatter.enable_SparseProducts = enable_SparseProducts
