"""What the kernels for moments need of a GPU, from their machine code; there need not be one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anisoap_e3nn.ops.backends import triton_source

PROGRAM = """
from benchmarks import gpu_resources

for kernel in gpu_resources.kernels(degree=6, word=4):
    found = gpu_resources.compiled(kernel)
    assert found.spilled == 0, f"{kernel} spills: {found}"
    assert gpu_resources.operations(kernel) <= found.instructions, f"{kernel}: {found}"
    print(*kernel, *found)
"""


@pytest.mark.skipif(
    bool(triton_source.unavailable), reason=f"no compiler for GPUs: {triton_source.unavailable}"
)
def test_nothing_is_spilled_at_degree_6() -> None:
    """In a process that compiles, since Triton chooses between that and interpreting when it is imported."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    kinds = [line.split()[0] for line in run.stdout.splitlines()]
    assert kinds == ["value", "first", "tangent", "second"]
