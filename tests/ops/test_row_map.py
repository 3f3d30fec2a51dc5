"""Rows times a matrix of blocks, compared with the dense matrix."""

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoap_e3nn.ops.backends import native
from anisoap_e3nn.ops.backends.row_map_native import map_rows, row_map
from anisoap_e3nn.ops.row_map import MapBlock, map_program

pytestmark = pytest.mark.skipif(
    bool(native.unavailable), reason="the native backend is not available"
)
# rows, columns and places of each matrix
SIZES = [(1, 1, 1), (3, 17, 2), (20, 20, 1), (5, 40, 3), (0, 4, 1), (4, 0, 2)]


def random_map(
    seed: int, dtype: torch.dtype, spare: int = 3
) -> tuple[Tensor, tuple[Tensor | int, ...]]:
    """A dense matrix B, and the constants of the map; `spare` rows and columns of B are in no block."""
    rng = np.random.default_rng(seed)
    n_in, n_out = (sum(size[k] * size[2] for size in SIZES) + spare for k in (0, 1))
    sources, targets = rng.permutation(n_in).tolist(), rng.permutation(n_out).tolist()
    B = torch.zeros(n_in, n_out, dtype=torch.float64)
    blocks = []
    for rows, columns, n_places in SIZES:
        matrix = torch.from_numpy(rng.normal(size=(rows, columns)))
        places = [
            ([sources.pop() for _ in range(rows)], [targets.pop() for _ in range(columns)])
            for _ in range(n_places)
        ]
        blocks.append(MapBlock(matrix, places))
        for place in places:
            B[np.ix_(*place)] = matrix
    constants: list[Tensor | int] = []
    for some in (blocks, [block.transposed() for block in blocks]):
        matrices, program = map_program(some)
        constants += [matrices.to(dtype), program]
    return B, (*constants, n_out)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
@pytest.mark.parametrize("spare", [0, 3])
def test_it_is_the_product(
    instruction_set: str, dtype: torch.dtype, tolerance: float, spare: int
) -> None:
    """For any number of rows; zeros where there is no block."""
    B, constants = random_map(1, dtype, spare)
    for n in (0, 1, 3, 4, 70):
        x = torch.randn(n, B.shape[0], dtype=dtype)
        y = row_map(x, *constants)
        assert y.dtype == dtype
        expected = x.double() @ B
        assert (y - expected).norm() <= tolerance * expected.norm()


def test_derivatives_of_any_order() -> None:
    B, constants = random_map(2, torch.float64)
    x = torch.randn(5, B.shape[0], dtype=torch.float64, requires_grad=True)

    def mapped(x: Tensor) -> Tensor:
        return row_map(x, *constants)

    g = torch.randn(5, B.shape[1], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(mapped(x), x, g, create_graph=True)
    torch.testing.assert_close(gradient, g @ B.T)
    torch.testing.assert_close(torch.autograd.grad(gradient.sum(), g)[0], B.sum(0).expand(5, -1))
    t = torch.randn_like(x)
    torch.testing.assert_close(torch.func.jvp(mapped, (x,), (t,))[1], t @ B)
    torch.testing.assert_close(torch.func.vmap(mapped)(torch.stack([x, t]))[1], t @ B)
    jacobian = torch.func.jacrev(mapped)(x[:1])
    torch.testing.assert_close(jacobian.squeeze(), B.T)
    torch.library.opcheck(map_rows, (x, *constants))


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    B, constants = random_map(3, torch.float64)
    x = torch.randn(300, B.shape[0], dtype=torch.float64)
    results = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(row_map(x, *constants))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@pytest.mark.parametrize("fault", ["short", "block", "position", "list", "matrix", "rows"])
def test_damaged_programs_are_refused(fault: str) -> None:
    """By the kernel's own check: it never reads or writes beyond its arrays."""
    B, (matrices, program, *_) = random_map(4, torch.float64)
    x, y = np.zeros((2, B.shape[0])), np.zeros((2, B.shape[1]))
    program = program.clone()
    if fault == "short":
        program = program[:10]
    elif fault == "block":
        program[0] = 2**40
    elif fault == "position":
        program[-1] = B.shape[1]
    elif fault == "list":
        program[1 + 2] = len(program)
    elif fault == "matrix":
        program[1 + 6 + 4] = matrices.numel()
    else:
        y = y[:1]
    with pytest.raises(ValueError, match=r"^(a|one|the) "):
        native._native.row_map_f64(x, matrices.numpy(), program.numpy(), y, 1)
