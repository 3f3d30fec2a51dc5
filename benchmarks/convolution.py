"""Time of a convolution over edges and of its derivatives: ``python -m benchmarks.convolution``.

One thread, float32. Beside it runs the chain of operations that it replaces: gather, ``TensorProduct``
and ``index_add``. There are two floors. One is the bytes of all inputs and outputs, each moved once, at the
speed of a copy. The other is the fused multiply-adds, without zero coefficients, at the speed of a large
matrix product.
"""

import argparse
import copy
from collections.abc import Callable, Iterable

import numpy as np
import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.networks import Convolution, EdgeFeatures
from anisoap_e3nn.networks.message_passing import MessagePassingPotential
from anisoap_e3nn.nn import TensorProduct, TensorProductConvolution
from anisoap_e3nn.nn.product_paths import product_paths

from .timing import interleaved_medians

CUTOFF = 3.0
PASSES = ("forward", "backward", "double backward")


class Chain(torch.nn.Module):
    """The sums of a TensorProductConvolution, with all messages stored."""

    def __init__(self, convolution: TensorProductConvolution) -> None:
        super().__init__()
        paths = [(*ins[:5], ins.path_weight**2) for ins in convolution.instructions]
        irreps = convolution.irreps_in1, convolution.irreps_in2, convolution.irreps_out
        self.product = TensorProduct(
            *irreps,
            paths,
            irrep_normalization="none",
            path_normalization="none",
            shared_weights=False,
        )

    def forward(self, x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor) -> Tensor:
        neighbors, centers = edge_index.unbind()
        messages = self.product(x.index_select(0, neighbors), harmonics, weights)
        return messages.new_zeros(len(x), messages.shape[1]).index_add(0, centers, messages)


class ChainedConvolution(torch.nn.Module):
    """A network's convolution as it was before version 0.2: the envelope times all weights, and a chain."""

    def __init__(self, convolution: Convolution) -> None:
        super().__init__()
        self.mixing = convolution.mixing
        weights = [layer.weight for layer in convolution.radial.children()]
        widths = [len(weights[0]), *(weight.shape[1] for weight in weights)]
        self.radial = FullyConnectedNet(widths, torch.nn.functional.silu)
        self.radial.load_state_dict(convolution.radial.state_dict())
        self.product = Chain(convolution.product)

    def forward(
        self, x: Tensor, edge_index: Tensor, edges: EdgeFeatures, n_neighbors: Tensor
    ) -> Tensor:
        weights = self.radial(edges.invariants) * edges.envelope
        sums = self.product(self.mixing(x), edges.harmonics, weights, edge_index)
        return sums / n_neighbors.sqrt()


def chained(potential: MessagePassingPotential) -> MessagePassingPotential:
    """A copy of a network whose convolutions are chains."""
    potential = copy.deepcopy(potential)
    for layer in potential.layers:
        layer.convolution = ChainedConvolution(layer.convolution)
    return potential


def passes(
    convolve: Callable[..., Tensor], inputs: Iterable[Tensor], edge_index: Tensor
) -> dict[str, Callable[[], object]]:
    """The sums, their derivatives, and the derivatives of these."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    out = convolve(*leaves, edge_index)
    g = torch.randn_like(out).requires_grad_()
    first = torch.autograd.grad(out, leaves, g, create_graph=True)
    v = [torch.randn_like(each) for each in first]
    work = (
        lambda: convolve(*leaves, edge_index),
        lambda: torch.autograd.grad(out, leaves, g, retain_graph=True),
        lambda: torch.autograd.grad(first, [g, *leaves], v, retain_graph=True),
    )
    return dict(zip(PASSES, work, strict=True))


def multiply_adds(layer: TensorProductConvolution, n_edges: int) -> list[int]:
    """Fused multiply-adds of each pass that no order of the sums saves."""
    counts = np.zeros(3, dtype=int)
    for path in layer.plan.paths:
        d1, _, d3 = path.dims
        m = len(set(zip(path.m1, path.m3, strict=True)))  # entries of the matrix on x
        counts += path.channels * np.array([m + d3, 2 * m + 3 * d1, 6 * m + 6 * d1 + 2 * d3])
    return (n_edges * counts).tolist()


def numbers_moved(layer: TensorProductConvolution, inputs: Iterable[Tensor]) -> list[int]:
    """Numbers read and written in each pass, if each is moved once."""
    x, y, w = (tensor.numel() for tensor in inputs)
    out = next(iter(inputs)).shape[0] * layer.irreps_out.dim
    return [x + y + w + out, 2 * (x + y + w) + out, 3 * (x + y + w) + 2 * out]


def machine_speeds(n_numbers: int, rounds: int) -> tuple[float, float]:
    """Numbers of float32 moved, and multiply-adds, per second."""
    numbers, to = torch.randn(n_numbers), torch.empty(n_numbers)
    a, b = torch.randn(2, 768, 768)
    work = {"copy": lambda: to.copy_(numbers), "product": lambda: a @ b}
    seconds = interleaved_medians(work, rounds, "machine")
    return 2 * n_numbers / seconds["copy"], 768**3 / seconds["product"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8, help="fluids of 64 particles")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--max-angular", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    frames = gay_berne_fluids(arguments.frames, 64, n_sweeps=20)
    edge_index = Batch.from_data_list(frames).with_edges(CUTOFF).edge_index
    harmonics = o3.Irreps.spherical_harmonics(arguments.max_angular)
    features = o3.Irreps([(arguments.channels, ir) for _, ir in harmonics])
    irreps, instructions = product_paths(features, harmonics, harmonics, "uvu", has_weight=True)
    layer = TensorProductConvolution(features, harmonics, irreps, instructions)
    n_particles, n_edges = 64 * arguments.frames, edge_index.shape[1]
    inputs = [
        torch.randn(n_particles, features.dim),
        torch.randn(n_edges, harmonics.dim),
        torch.randn(n_edges, layer.weight_numel),
    ]
    work = {
        (kind, name): run
        for kind, convolve in (("fused", layer), ("chain", Chain(layer)))
        for name, run in passes(convolve, inputs, edge_index).items()
    }
    seconds = interleaved_medians(work, arguments.rounds, "convolution")
    bandwidth, peak = machine_speeds(inputs[2].numel(), arguments.rounds)
    print(f"torch {torch.__version__}, {n_particles} particles, {n_edges} edges, {layer}")
    print(
        f"A copy moves {4e-9 * bandwidth:.1f} GB/s, a matrix product makes {2e-9 * peak:.0f} GFLOP/s"
    )
    print(
        "| pass | chain, ms | fused, ms | ratio | floors: bytes, ms | arithmetic, ms | times floor |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    floors = zip(PASSES, numbers_moved(layer, inputs), multiply_adds(layer, n_edges), strict=True)
    for name, moved, arithmetic in floors:
        chain, fused = 1e3 * seconds["chain", name], 1e3 * seconds["fused", name]
        of_bytes, of_sums = 1e3 * moved / bandwidth, 1e3 * arithmetic / peak
        print(
            f"| {name} | {chain:.1f} | {fused:.1f} | {chain / fused:.1f} | {of_bytes:.2f} | {of_sums:.2f} | "
            f"{fused / max(of_bytes, of_sums):.1f} |"
        )


if __name__ == "__main__":
    main()
