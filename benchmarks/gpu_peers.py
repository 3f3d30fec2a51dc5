"""The products and convolutions of cuequivariance and openequivariance, where these are installed.

They are given what ours are given: the same irreps, paths and channels. cuequivariance's layout differs
(channels come last, and it sorts the irreps), so only openequivariance's values are compared with ours.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn.nn import TensorProductConvolution

Convolve = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # x, harmonics, weights, edge_index


def channel_products(
    paths: Sequence[tuple[int, int, int]], l_in: Sequence[int], mul: int
) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Products channel by channel, of the same coefficients. openequivariance has none of this kind."""
    if not find_spec("cuequivariance_ops_torch"):
        return {}
    import cuequivariance as cue
    import cuequivariance_torch as cuet

    product = cue.SegmentedTensorProduct.from_subscripts("iu,ju,ku+ijk")
    for operand in (0, 1):
        for l in l_in:
            product.add_segment(operand, (2 * l + 1, mul))
    for l1, l2, l3 in paths:
        C = (2 * l3 + 1) ** 0.5 * o3.wigner_3j(l1, l2, l3)
        out = product.add_segment(2, (2 * l3 + 1, mul))
        product.add_path(l_in.index(l1), l_in.index(l2), out, c=C.numpy())
    polynomial = cue.SegmentedPolynomial.eval_last_operand(product.flatten_coefficient_modes())
    layer = cuet.SegmentedPolynomial(polynomial, method="uniform_1d").cuda()
    return {"cuequivariance": lambda a, b: layer([a, b])[0]}


def convolutions(layer: TensorProductConvolution) -> dict[str, Convolve]:
    """The convolutions of both, with the irreps and the instructions of ours."""
    found: dict[str, Convolve] = {}
    if find_spec("openequivariance"):
        import openequivariance as oeq

        instructions = [(*ins[:5], ins.path_weight**2) for ins in layer.instructions]
        irreps = (
            oeq.Irreps(str(each)) for each in (layer.irreps_in1, layer.irreps_in2, layer.irreps_out)
        )
        problem = oeq.TPProblem(
            *irreps, instructions, irrep_normalization="none", path_normalization="none",
            shared_weights=False, internal_weights=False,
        )  # fmt: skip
        fused = oeq.TensorProductConv(problem, deterministic=False)
        found["openequivariance"] = lambda x, y, w, index: fused(x, y, w, index[1], index[0])
    if find_spec("cuequivariance_ops_torch"):
        import cuequivariance as cue
        import cuequivariance_torch as cuet

        kinds = o3.Irreps([(1, ir) for ir in {ir for _, ir in layer.irreps_out}])
        tensors = [
            cue.Irreps("O3", str(each)) for each in (layer.irreps_in1, layer.irreps_in2, kinds)
        ]
        product = cue.descriptors.channelwise_tensor_product(*tensors).polynomial
        polynomial = product.flatten_coefficient_modes().squeeze_modes()
        uniform = cuet.SegmentedPolynomial(polynomial, method="uniform_1d").cuda()

        def convolve(x: Tensor, y: Tensor, w: Tensor, index: Tensor) -> Tensor:
            sums = torch.empty(len(x), polynomial.outputs[0].size, dtype=x.dtype, device=x.device)
            return uniform([w, x, y], {1: index[0]}, {0: sums}, {0: index[1]})[0]

        found["cuequivariance"] = convolve
    return found
