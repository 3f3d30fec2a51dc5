"""Clebsch-Gordan products on an NVIDIA GPU: time of our kernels against e3nn, cuequivariance and a copy.

python -m benchmarks.gpu_clebsch_gordan
"""

from collections.abc import Callable, Sequence

import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn.clebsch_gordan import real_clebsch_gordan
from anisoap_e3nn.ops import Block, Path, ProductPlan
from anisoap_e3nn.ops.backends import sparse_reference, triton_products

from .gpu_peers import channel_products
from .timing import device_milliseconds

Coupling = tuple[int, int, int]


def product_plan(paths: Sequence[Coupling], l_in: Sequence[int], mul: int) -> ProductPlan:
    """Products channel by channel, in e3nn's layout."""
    starts, end = {}, 0
    for l in l_in:
        starts[l], end = end, end + mul * (2 * l + 1)
    out, members = 0, []
    for l1, l2, l3 in paths:
        table = real_clebsch_gordan(l1, l2, l3)
        blocks = [
            Block(start, 2 * l + 1, 1, 0, 2 * l + 1)
            for start, l in ((starts[l1], l1), (starts[l2], l2), (out, l3))
        ]
        members.append(Path(*blocks, 1, mul, *(column.tolist() for column in table)))
        out += mul * (2 * l3 + 1)
    return ProductPlan(tuple(members), (out, end, end))


def e3nn_product(paths: Sequence[Coupling], l_in: Sequence[int], mul: int) -> o3.TensorProduct:
    """The same product by e3nn."""
    irreps_in = o3.Irreps([(mul, (l, (-1) ** l)) for l in l_in])
    irreps_out = o3.Irreps([(mul, (l3, (-1) ** (l1 + l2))) for l1, l2, l3 in paths])
    instructions = [
        (l_in.index(l1), l_in.index(l2), k, "uuu", False) for k, (l1, l2, _) in enumerate(paths)
    ]
    return o3.TensorProduct(irreps_in, irreps_in, irreps_out, instructions)


def with_gradients(product: Callable[[Tensor, Tensor], Tensor], x1: Tensor, x2: Tensor) -> None:
    a, b = x1.detach().requires_grad_(), x2.detach().requires_grad_()
    out = product(a, b)
    torch.autograd.grad(out, (a, b), torch.ones_like(out))


def report(name: str, paths: Sequence[Coupling], l_in: Sequence[int], mul: int, n: int) -> None:
    """Deviation from the definition, and times of forward and of forward with backward."""
    plan = product_plan(paths, l_in, mul)
    C = torch.tensor([c for path in plan.paths for c in path.coefficients], dtype=torch.float64)
    x1, x2 = (torch.randn(n, dim, device="cuda") for dim in plan.dims[1:])

    def ours(a: Tensor, b: Tensor) -> Tensor:
        return triton_products.sparse_product(a, b, C.to("cuda", a.dtype), plan)

    few = x1[:50].double(), x2[:50].double()
    expected = sparse_reference.sparse_product(*few, C.cuda(), plan)
    error = ((ours(x1[:50], x2[:50]) - expected).norm() / expected.norm()).item()
    moved = 4 * n * sum(plan.dims)
    module = e3nn_product(paths, l_in, mul).cuda()
    compiled = torch.compile(module)
    print(f"{name}: {len(paths)} paths, {mul} channels, {n} rows; deviation {error:.1e}")
    print(f"  bytes at 3.35 TB/s: {moved / 3.35e9:.3f} ms")
    peers = channel_products(paths, l_in, mul)
    for label, product in {
        "ours": ours,
        **peers,
        "e3nn": module,
        "e3nn compiled": compiled,
    }.items():
        forward = device_milliseconds(lambda p=product: p(x1, x2))
        both = device_milliseconds(lambda p=product: with_gradients(p, x1, x2))
        print(f"  {label:14} {forward:8.3f} {both:8.3f} ms", flush=True)


def main() -> None:
    print(torch.__version__, torch.cuda.get_device_name())

    def all_paths(l_max: int) -> list[Coupling]:
        ls = range(l_max + 1)
        return [(a, b, c) for a in ls for b in ls for c in ls if abs(a - b) <= c <= a + b]

    report("one path, l = 5", [(5, 5, 5)], [5], 256, 4000)
    report("all, l <= 2", all_paths(2), [0, 1, 2], 64, 20000)
    report("all, l <= 3", all_paths(3), [0, 1, 2, 3], 64, 10000)
    report("all, l <= 6", all_paths(6), list(range(7)), 16, 1000)


if __name__ == "__main__":
    main()
