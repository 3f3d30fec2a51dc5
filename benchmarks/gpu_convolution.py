"""Convolutions over edges on an NVIDIA GPU: ours against e3nn's chain, cuequivariance and openequivariance.

python -m benchmarks.gpu_convolution

Times are those of the sums, of their derivatives, and of the derivatives of these, in float32. The chain
is gather, e3nn's ``TensorProduct`` and ``index_add``. The floor is the bytes of all inputs and outputs,
each moved once, at 3.35 TB/s.
"""

import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn.nn import TensorProductConvolution
from anisoap_e3nn.nn.product_paths import product_paths

from .convolution import PASSES, numbers_moved, passes
from .gpu_peers import convolutions
from .timing import device_milliseconds

COMPILED = "e3nn compiled"  # torch compiles no second derivatives


class E3nnChain(torch.nn.Module):
    """The sums of a TensorProductConvolution by e3nn, with all messages stored."""

    def __init__(self, layer: TensorProductConvolution) -> None:
        super().__init__()
        instructions = [(*ins[:5], ins.path_weight**2) for ins in layer.instructions]
        self.product = o3.TensorProduct(
            layer.irreps_in1, layer.irreps_in2, layer.irreps_out, instructions,
            irrep_normalization="none", path_normalization="none", shared_weights=False,
        )  # fmt: skip

    def forward(self, x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor) -> Tensor:
        neighbors, centers = edge_index.unbind()
        messages = self.product(x.index_select(0, neighbors), harmonics, weights)
        return messages.new_zeros(len(x), messages.shape[1]).index_add(0, centers, messages)


def report(n_particles: int, neighbors: int, channels: int, l_max: int) -> None:
    harmonics = o3.Irreps.spherical_harmonics(l_max)
    features = o3.Irreps([(channels, ir) for _, ir in harmonics])
    irreps, instructions = product_paths(features, harmonics, harmonics, "uvu", has_weight=True)
    layer = TensorProductConvolution(features, harmonics, irreps, instructions).cuda()
    n_edges = n_particles * neighbors
    centers = torch.arange(n_particles, device="cuda").repeat_interleave(neighbors)
    others = (centers + torch.randint(1, 300, (n_edges,), device="cuda")) % n_particles
    edge_index = torch.stack([others, centers])
    rows = (n_particles, features.dim), (n_edges, harmonics.dim), (n_edges, layer.weight_numel)
    inputs = [torch.randn(*shape, device="cuda") for shape in rows]
    print(
        f"\n{n_particles} particles, {n_edges} edges, {channels} x (l <= {l_max}), {len(instructions)} paths"
    )
    floors = [4 * each / 3.35e9 for each in numbers_moved(layer, inputs)]
    print("| | " + " | ".join(PASSES) + " | ms; deviation of the sums |\n" + "| --- " * 5 + "|")
    print("| floor | " + " | ".join(f"{each:.3f}" for each in floors) + " | |")
    expected = layer(*inputs, edge_index)
    chain = E3nnChain(layer).cuda()
    works = {"ours": layer, **convolutions(layer), "e3nn": chain, COMPILED: torch.compile(chain)}
    for name, work in works.items():
        sums = work(*inputs, edge_index)
        told = "other layout"
        if name != "cuequivariance":
            told = f"{((sums - expected).norm() / expected.norm()).item():.0e}"
        runs = list(passes(work, inputs, edge_index).values())[: 2 if name == COMPILED else 3]
        times = [f"{device_milliseconds(run):.3f}" for run in runs]
        times += ["none"] * (3 - len(times))
        print(f"| {name} | " + " | ".join(times) + f" | {told} |", flush=True)


def main() -> None:
    print(torch.__version__, torch.cuda.get_device_name())
    report(n_particles=4000, neighbors=40, channels=32, l_max=2)
    report(n_particles=4000, neighbors=40, channels=128, l_max=2)


if __name__ == "__main__":
    main()
