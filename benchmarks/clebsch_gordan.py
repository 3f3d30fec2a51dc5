"""Speed of Clebsch-Gordan products: ``python -m benchmarks.clebsch_gordan``.

One thread, float32. Times are medians of interleaved runs in one process; on a shared machine quote the
ratios. Rivals that allocate much memory run with ours in a separate group, since fresh memory pages slow down
the next run. All rivals are first checked to give equal numbers. cuequivariance_torch is included if it is
installed (``pip install cuequivariance-torch``).
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, PowerSpectrum
from anisoap_e3nn.clebsch_gordan import real_clebsch_gordan
from anisoap_e3nn.nn import TensorProduct
from anisoap_e3nn.ops import accumulate, accumulate_active_dim_middle

from .embedding import BACKEND
from .timing import interleaved_medians

Work = dict[str, Callable[[], Any]]


def with_backward(forward: Callable[..., Tensor], *inputs: Tensor) -> Callable[[], Any]:
    """Forward and backward pass, for a given cotangent of the output."""
    x = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    cotangent = torch.randn_like(forward(*x))
    return lambda: torch.autograd.grad(forward(*x), x, cotangent)


def group_medians(
    group: Mapping[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]],
    rounds: int,
    description: str,
    others: Work | None = None,
) -> dict[str, float]:
    """Median times of each forward pass, and, under its name with a plus, of forward and backward."""
    work = dict(others or {})
    work |= {name: partial(forward, *x) for name, (forward, x) in group.items()}
    work |= {f"{name} +": with_backward(forward, *x) for name, (forward, x) in group.items()}
    return interleaved_medians(work, rounds, description)


def require_same(results: Mapping[str, Tensor]) -> None:
    first, *others = results.items()
    for name, value in others:
        error = float((value - first[1]).abs().max() / first[1].abs().max())
        if not error < 1e-5:
            raise AssertionError(f"{first[0]} and {name} disagree by {error:.1e}")


def cuequivariance(
    paths: list[tuple[int, int, int]], l_in: list[int], mul: int
) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Channel-wise product of cuequivariance for paths (l1, l2, L), in layout ir_mul; None if missing."""
    try:
        import cuequivariance as cue
        import cuequivariance_torch as cuet
    except ImportError:
        return None
    product = cue.SegmentedTensorProduct.from_subscripts("iu,ju,ku+ijk")
    for operand in (0, 1):
        product.add_segments(operand, [(2 * l + 1, mul) for l in l_in])
    for l1, l2, l3 in paths:
        out = product.add_segment(2, (2 * l3 + 1, mul))
        table = o3.wigner_3j(l1, l2, l3, dtype=torch.float64).numpy() * (2 * l3 + 1) ** 0.5
        product.add_path(l_in.index(l1), l_in.index(l2), out, c=table)
    module = cuet.SegmentedPolynomial(
        cue.SegmentedPolynomial.eval_last_operand(product), method="naive"
    )
    return lambda x1, x2: module([x1, x2])[0]


def e3nn_product(paths: list[tuple[int, int, int]], l_in: list[int], mul: int) -> o3.TensorProduct:
    irreps_in = o3.Irreps([(mul, (l, (-1) ** l)) for l in l_in])
    irreps_out = o3.Irreps([(mul, (l3, (-1) ** (l1 + l2))) for l1, l2, l3 in paths])
    instructions = [
        (l_in.index(l1), l_in.index(l2), k, "uuu", False) for k, (l1, l2, _) in enumerate(paths)
    ]
    return o3.TensorProduct(irreps_in, irreps_in, irreps_out, instructions)


def report_one_path(n: int = 1000, channels: int = 256, l: int = 5) -> None:
    """Time of one path, l1 = l2 = L, relative to a copy of the bytes read and written."""
    table = real_clebsch_gordan(l, l, l)
    d = 2 * l + 1
    C = table.coefficients.float()
    m1, m2, m3 = table.m1, table.m2, table.m3
    dense = torch.zeros(d, d, d).index_put((m1, m2, m3), C)
    last = torch.randn(n, channels, d), torch.randn(n, channels, d)
    middle = tuple(x.transpose(1, 2).contiguous() for x in last)
    terms = m3, d, m1, m2, C
    moved = torch.randn(3 * n * channels * d)
    target = torch.empty_like(moved)

    def by_entries(x1: Tensor, x2: Tensor) -> Tensor:
        out = [torch.zeros(n, channels) for _ in range(d)]
        for a, b, mu, c in zip(m1.tolist(), m2.tolist(), m3.tolist(), C.tolist(), strict=True):
            out[mu] = out[mu] + c * x1[..., a] * x2[..., b]
        return torch.stack(out, dim=-1)

    def by_index_add(x1: Tensor, x2: Tensor) -> Tensor:
        products = C * x1[..., m1] * x2[..., m2]
        return torch.zeros(n, channels, d).index_add(2, m3, products)

    e3nn = e3nn_product([(l, l, l)], [l], channels)
    compiled = torch.compile(e3nn)
    cue = cuequivariance([(l, l, l)], [l], channels)
    forwards: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
        "ours, active middle": (lambda a, b: accumulate_active_dim_middle(a, b, *terms), middle),
        "ours, active last": (lambda a, b: accumulate(a, b, *terms), last),
        "e3nn": (lambda a, b: e3nn(a.flatten(1), b.flatten(1)), last),
        "e3nn compiled": (lambda a, b: compiled(a.flatten(1), b.flatten(1)), last),
        "einsum, dense": (lambda a, b: torch.einsum("zci,zcj,ijk->zck", a, b, dense), last),
        "index_add": (by_index_add, last),
        "entry by entry": (by_entries, last),
    }
    if cue is not None:
        forwards["cuequivariance"] = (lambda a, b: cue(a.flatten(1), b.flatten(1)), middle)
    results = {name: forward(*x).reshape(n, -1) for name, (forward, x) in forwards.items()}
    require_same(
        {
            name: out.view(n, d, channels).mT.flatten(1) if forwards[name][1] is middle else out
            for name, out in results.items()
        }
    )
    print(
        f"\nOne path, l1 = l2 = L = {l}, {len(C)} coefficients, {n} x {channels} channels; the copy is of "
        f"{4e-6 * moved.numel():.0f} MB, as read and written"
    )
    print(
        f"{'':>22} {'forward / ms':>12} {'/ copy':>7} | {'+ backward':>10} {'/ forward':>9} | "
        f"{'times ours':>10} {'+ backward':>10}"
    )
    ours = {True: "ours, active middle", False: "ours, active last"}
    light = ["e3nn", "e3nn compiled", "einsum, dense"]
    heavy = ["index_add", "entry by entry", "cuequivariance"]
    for rivals in (light, heavy):
        group = {name: forwards[name] for name in (*ours.values(), *rivals) if name in forwards}
        medians = group_medians(group, 15, "one path", {"copy": lambda: target.copy_(moved)})
        for name, (_, x) in group.items():
            both = medians[f"{name} +"]
            beside = ours[x is middle]
            print(
                f"{name:>22} {1e3 * medians[name]:>12.2f} {medians[name] / medians['copy']:>7.2f} | "
                f"{1e3 * both:>10.2f} {both / medians[name]:>9.2f} | "
                f"{medians[name] / medians[beside]:>10.1f} {both / medians[f'{beside} +']:>10.1f}"
            )


def report_all_paths(l_max: int, mul: int, n: int = 1000) -> None:
    """Time of all paths with l1, l2, L ≤ l_max, channel by channel (e3nn's "uuu")."""
    l_in = list(range(l_max + 1))
    paths = [
        (l1, l2, l3)
        for l1 in l_in
        for l2 in l_in
        for l3 in range(abs(l1 - l2), min(l1 + l2, l_max) + 1)
    ]
    e3nn = e3nn_product(paths, l_in, mul)
    arguments = (
        e3nn.irreps_in1,
        e3nn.irreps_in2,
        e3nn.irreps_out,
        [(ins.i_in1, ins.i_in2, ins.i_out, "uuu", False) for ins in e3nn.instructions],
    )
    ours = TensorProduct(*arguments)
    x = tuple(torch.randn(n, e3nn.irreps_in1.dim) for _ in range(2))
    forwards: dict[str, Callable[..., Tensor]] = {
        "ours": ours,
        "e3nn": e3nn,
        "e3nn compiled": torch.compile(e3nn),
        "ours, torch backend": on_torch_backend(ours),
        "index_add": by_index_add(ours),
        "ours, ir_mul": TensorProduct(*arguments, layout="ir_mul"),
    }
    if (cue := cuequivariance(paths, l_in, mul)) is not None:
        forwards["cuequivariance"] = cue
    others = ("ours, ir_mul", "cuequivariance")  # in the other layout
    results = {name: forward(*x) for name, forward in forwards.items()}
    require_same({name: out for name, out in results.items() if name not in others})
    require_same({name: out for name, out in results.items() if name in others})
    print(
        f"\nAll {len(paths)} paths, l <= {l_max}, {mul} channels, {n} nodes "
        f"({4e-6 * n * e3nn.irreps_out.dim:.0f} MB of output)"
    )
    print(
        f"{'':>22} {'forward / ms':>12} {'times ours':>10} | {'+ backward':>10} {'times ours':>10}"
    )
    light = ["e3nn", "e3nn compiled", "ours, ir_mul"]
    heavy = ["cuequivariance", "index_add", "ours, torch backend"]
    for rivals, rounds in ((light, 9), (heavy, 3)):
        group = {name: (forwards[name], x) for name in ("ours", *rivals) if name in forwards}
        medians = group_medians(group, rounds, f"l <= {l_max}")
        for name in group:
            both = medians[f"{name} +"]
            print(
                f"{name:>22} {1e3 * medians[name]:>12.1f} {medians[name] / medians['ours']:>10.1f} | "
                f"{1e3 * both:>10.1f} {both / medians['ours +']:>10.1f}"
            )


def by_index_add(product: TensorProduct) -> Callable[[Tensor, Tensor], Tensor]:
    """The product by torch's gather, multiplication and index_add."""
    plan = product._from_x.plan
    places: list[Tensor] = []
    for path in plan.paths:
        m = [torch.as_tensor(indices) for indices in (path.m3, path.m1, path.m2)]
        places.append(
            torch.stack(
                [
                    block.indices(path.n_u, path.n_v)[..., index].flatten()
                    for block, index in zip(path.blocks, m, strict=True)
                ]
            )
        )
    to, first, second = torch.cat(places, dim=1)
    C = torch.cat(
        [torch.tensor(path.coefficients).repeat(path.n_u * path.n_v) for path in plan.paths]
    )

    def run(x1: Tensor, x2: Tensor) -> Tensor:
        products = C * x1[:, first] * x2[:, second]
        return torch.zeros(len(x1), plan.dims[0]).index_add(1, to, products)

    return run


def on_torch_backend(product: torch.nn.Module) -> Callable[..., Tensor]:
    def run(x1: Tensor, x2: Tensor) -> Tensor:
        os.environ[BACKEND] = "torch"
        try:
            return product(x1, x2)
        finally:
            del os.environ[BACKEND]

    return run


def report_power_spectrum(n: int = 10_000) -> None:
    """Time of the invariants of the embedding, relative to the matrix products alone."""
    embedding = AniSOAPEmbedding([1, 6], 5.0, 6, radial_gaussian_width=1.5)
    irreps = embedding.irreps_out
    spectrum = PowerSpectrum(irreps, l_max=0)
    x = irreps.randn(n, -1)
    blocks = [
        x[:, where].reshape(n, mul_ir.mul, mul_ir.ir.dim).contiguous()
        for where, mul_ir in zip(irreps.slices(), irreps, strict=True)
    ]

    def products_alone() -> list[Tensor]:
        return [block @ block.mT for block in blocks]

    work: Work = {
        "matrix products alone": products_alone,
        "PowerSpectrum": partial(spectrum, x),
    }
    medians = interleaved_medians(work, rounds=15, description="power spectrum")
    alone = medians["matrix products alone"]
    print(f"\nSOAP power spectrum of {irreps}, {n} centres -> {spectrum.irreps_out}")
    for name, seconds in medians.items():
        print(f"{name:>22} {1e3 * seconds:>12.2f} ms {seconds / alone:>10.2f} x")


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    report_one_path()
    report_all_paths(3, 64)
    report_all_paths(6, 16)
    report_power_spectrum()


if __name__ == "__main__":
    main()
