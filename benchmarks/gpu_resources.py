"""What the kernels for moments need of an NVIDIA H100, from their machine code, without a GPU.

python -m benchmarks.gpu_resources --degrees 3 6

Triton compiles the kernels for the H100, and ``cuobjdump``, which it brings along, reads what they need. For
each kernel: registers of a thread, bytes that do not fit into them (spills), warps that fit on a
multiprocessor together (of 64), and what one vector of pairs takes: floating-point instructions of the
formula and of the machine code, all instructions, and bytes read and written once for each pair. The last
columns are the times that bytes, the formula's arithmetic and all instructions bound, for a million pairs.
Kernels of degrees above 8 have loops: their instructions are those of the code, each counted once.
"""

import argparse
import re
import subprocess
import tempfile
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
import triton
from tqdm import tqdm
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from anisoap_e3nn.ops.backends import moment_kernels, moment_source, moment_text
from anisoap_e3nn.ops.backends.triton_source import ONE_WARP

MULTIPROCESSORS, CLOCK, BANDWIDTH = 132, 1.755e9, 3.35e12  # of an H100; Hz, bytes per second
PER_CYCLE = {4: 4 * 32, 8: 2 * 32}  # fused multiply-adds of a multiprocessor, by bytes of a number
ARGUMENTS = {
    "neighbors": "*i64",
    "order": "*i32",
    "offsets": "*i32",
    "by_length": "*i32",
    "own": "*i64",
}
ARGUMENTS |= {"n_segments": "i32", "n_edges": "i64"}
FLOATING_POINT = ("FFMA", "FMUL", "FADD", "DFMA", "DMUL", "DADD")


class Kernel(NamedTuple):
    """Arguments of the function that writes a kernel."""

    kind: str
    degree: int
    word: int
    part: int


class Resources(NamedTuple):
    """What a kernel needs."""

    registers: int
    spilled: int  # bytes
    arithmetic: int  # floating-point instructions for a vector of pairs
    instructions: int


def kernels(degree: int, word: int) -> list[Kernel]:
    """The kernels of one degree, with derivatives by the particles."""
    in_loops = degree > moment_text.UNROLLED
    n_groups = (
        1 if in_loops else len(moment_source.groups(degree, 4 * moment_text.RESIDENT // word))
    )
    groups = range(n_groups)
    kinds = [("value", k) for k in groups] + [("first", 1)]
    kinds += [("tangent", k) for k in groups] + [("second", 1)]
    return [Kernel(kind, degree, word, part) for kind, part in kinds]


def operations(kernel: Kernel) -> int:
    """Fused multiply-adds, products and sums that the formulas of a kernel ask for, for each pair."""
    formulas = formulas_of(kernel)
    # a line of products that are added costs one operation a product; one without products, one a sum
    return sum(
        line.count(" * ") or line.count(" + ") + line.count(" - ") for line in formulas
    ) + 9 * sum("multiply(" in line for line in formulas)


def needed_lines(functions: str) -> list[str]:
    """Assignments whose results are returned, or used in others that are; the compiler drops the rest."""
    used: set[str] = set()
    needed = []
    for line in reversed(functions.splitlines()):
        names, assigns, value = line.strip().partition(" = ")
        if line.strip().startswith("return "):
            used.update(re.findall(r"\w+", line))
        elif assigns and used.intersection(names.split(", ")):
            needed.append(line.strip())
            used.update(re.findall(r"\w+", value))
    return needed


def formulas_of(kernel: Kernel) -> list[str]:
    """Lines of arithmetic of a kernel; those of the recurrence alone for kernels with loops."""
    kind, degree, _, part = kernel
    if degree <= moment_text.UNROLLED:
        return needed_lines(moment_text.source(*kernel).split("@triton.jit\ndef kernel")[0])
    dual = kind in ("tangent", "second")
    moments = [n for layer in moment_source.layers(degree) for n in layer]
    lines = [line for n in moments if sum(n) for line in moment_source.step(n, dual)]
    if kind in ("first", "second"):
        for n in moments:
            lines += moment_source.contraction(n, degree, bool(part), "md" if dual else "m")
    return lines


def compiled(kernel: Kernel) -> Resources:
    """Compile a kernel for the H100 and read its machine code."""
    function: Any = moment_kernels._kernel(*kernel)
    number = "*fp32" if kernel.word == 4 else "*fp64"
    signature = {name: ARGUMENTS.get(name, number) for name in function.arg_names}
    constants = dict.fromkeys(("WITH_OWN", "WITH_PAIR_WEIGHTS"), True)
    signature |= dict.fromkeys(constants, "constexpr")
    aligned = {
        (k,): [["tt.divisibility", 16]]
        for k, name in enumerate(function.arg_names)
        if signature[name].startswith("*")
    }
    source = ASTSource(function, signature, constants, aligned)
    binary = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=ONE_WARP)
    cuobjdump = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary.asm["cubin"])
        file.flush()
        usage, code = (
            subprocess.run([cuobjdump, flag, file.name], capture_output=True, text=True, check=True).stdout
            for flag in ("--dump-resource-usage", "--dump-sass")
        )  # fmt: skip
    found = re.search(r"REG:(\d+) STACK:(\d+) .*?LOCAL:(\d+)", usage)
    assert found is not None, usage
    loop = loop_over_pairs(code)
    arithmetic = sum(name.startswith(FLOATING_POINT) for name in loop)
    return Resources(int(found[1]), int(found[2]) + int(found[3]), arithmetic, len(loop))


def loop_over_pairs(code: str) -> list[str]:
    """The instructions of the loop with the most multiply-adds."""
    pattern = r"/\*([0-9a-f]{4,5})\*/\s+(?:@!?U?P[T\d]+\s+)?([A-Z0-9_.]+)([^;]*);"
    lines = [(int(at, 16), name, rest) for at, name, rest in re.findall(pattern, code)]
    bodies: list[list[str]] = [[]]
    for end, name, rest in lines:
        target = re.search(r"0x([0-9a-f]+)", rest)
        if name.startswith("BRA") and target and int(target[1], 16) < end:
            bodies.append([x for at, x, _ in lines if int(target[1], 16) <= at <= end])
    return max(bodies, key=lambda body: sum(x.startswith(("FFMA", "DFMA")) for x in body))


def bytes_of_pair(kernel: Kernel) -> int:
    """Vector, neighbour, its place in the order and weight, their derivatives and tangents."""
    read = (3 + 1) * kernel.word + 8 + 4
    tangents = (3 + 1) * kernel.word
    written = (3 + 1) * kernel.word
    return {
        "value": read,
        "tangent": read + tangents,
        "first": read + written,
        "second": read + tangents + written,
    }[kernel.kind]


def bounds(kernel: Kernel, instructions: int) -> tuple[float, float, float]:
    """Milliseconds for a million pairs that bytes, arithmetic and all instructions bound."""
    rate = MULTIPROCESSORS * CLOCK
    return (
        1e9 * bytes_of_pair(kernel) / BANDWIDTH,
        1e9 * operations(kernel) / (rate * PER_CYCLE[kernel.word]),
        1e9 * instructions / (rate * PER_CYCLE[4]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--degrees", type=int, nargs="+", default=[3, 6, 8])
    arguments = parser.parse_args()
    print(f"triton {triton.__version__}")
    print(
        "| degree | kernel | dtype | registers | spilled | warps | formula | arithmetic | instructions "
        "| bytes | ms: bytes | arithmetic | instructions |"
    )
    print("|" + " --- |" * 13)
    every = [k for pair in product(arguments.degrees, (4, 8)) for k in kernels(*pair)]
    for kernel in tqdm(every, leave=False, unit="kernel"):
        found = compiled(kernel)
        warps = min(32, 65536 // (32 * 8 * -(-found.registers // 8)))  # 32 programs at most
        times = " | ".join(f"{x:.3f}" for x in bounds(kernel, found.instructions))
        dtype = torch.float32 if kernel.word == 4 else torch.float64
        tqdm.write(
            f"| {kernel.degree} | {kernel.kind} {kernel.part} | {str(dtype)[6:]} | {found.registers} "
            f"| {found.spilled} | {warps} | {operations(kernel)} | {found.arithmetic} | {found.instructions} "
            f"| {bytes_of_pair(kernel)} | {times} |"
        )


if __name__ == "__main__":
    main()
