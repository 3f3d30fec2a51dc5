"""Time and memory of conversions between metatensor and e3nn, relative to a copy of the same bytes.

    python -m benchmarks.converters [--samples 100000] [--threads 2]

The copy is `Tensor.clone`, which allocates its result like the conversions. Runs are interleaved. Peak memory
is that above the input, result included, relative to the size of the tensor.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch

from anisoap_e3nn.extras import import_metatensor
from anisoap_e3nn.interop.metatensor import e3nn_to_metatensor, metatensor_to_e3nn

from .memory import peak_memory
from .timing import interleaved_medians

MAX_ANGULAR, N_PROPERTIES = 6, 64
COPY, TO_E3NN, TO_METATENSOR = "copy", "to e3nn", "to metatensor"
ALTERNATING = "+".join(["1x0e+1x1o+1x2e+1x3o+1x4e+1x5o+1x6e"] * N_PROPERTIES)
VARIANTS = [  # for alternating irreps both layouts are the same
    ("mul_ir", "one entry per l", ""),
    ("ir_mul", "one entry per l", ""),
    ("mul_ir", "alternating", ALTERNATING),
]


def expansion(n_samples: int, dtype: torch.dtype) -> Any:
    """A TensorMap of torch tensors with one block for each l."""
    metatensor = import_metatensor()
    Labels = metatensor.Labels
    blocks = [
        metatensor.TensorBlock(
            torch.randn(n_samples, 2 * l + 1, N_PROPERTIES, dtype=dtype),
            Labels.range("atom", n_samples),
            [Labels("o3_mu", torch.arange(-l, l + 1).int()[:, None].numpy())],
            Labels.range("n", N_PROPERTIES),
        )
        for l in range(MAX_ANGULAR + 1)
    ]
    keys = torch.tensor([(l, 1) for l in range(MAX_ANGULAR + 1)])
    return metatensor.TensorMap(Labels(["o3_lambda", "o3_sigma"], keys.int().numpy()), blocks)


def conversions(tensor_map: Any, layout: str, order: str) -> dict[str, Callable[[], object]]:
    """Conversions in both directions, and the copy."""
    irreps, data = metatensor_to_e3nn(tensor_map, irreps=order or None, layout=layout)
    return {
        COPY: data.clone,
        TO_E3NN: lambda: metatensor_to_e3nn(tensor_map, irreps=irreps, layout=layout),
        TO_METATENSOR: lambda: e3nn_to_metatensor(irreps, data, like=tensor_map, layout=layout),
    }


class Measured:
    """Work whose first run, which is not timed, measures its peak memory in MB.

    Freed arrays of this size go back to the system, so earlier work in the process does not matter.
    """

    def __init__(self, run: Callable[[], object]) -> None:
        self.run, self.peak = run, 0.0

    def __call__(self) -> None:
        if self.peak:
            self.run()
        else:
            self.peak = peak_memory(self.run)


def report(n_samples: int, rounds: int) -> None:
    """Print a line for each dtype, layout, order and direction, and the worst values at the end."""
    print(
        f"{n_samples} samples, l_max {MAX_ANGULAR}, {N_PROPERTIES} properties; "
        f"threads: {torch.get_num_threads()}, medians of {rounds} rounds\n"
        f"{'dtype':>8} {'layout':>7} {'irreps':>15} {'direction':>13} | "
        f"{'s':>6} {'/ copy':>6} {'peak / tensor':>13}",
        flush=True,
    )
    ratios, peaks = [], []
    for dtype in (torch.float64, torch.float32):
        tensor_map = expansion(n_samples, dtype)
        size = n_samples * (MAX_ANGULAR + 1) ** 2 * N_PROPERTIES * dtype.itemsize / 2**20
        for layout, name, order in VARIANTS:
            pieces = conversions(tensor_map, layout, order)
            work = {name: Measured(run) for name, run in pieces.items()}
            medians = interleaved_medians(work, rounds, f"{str(dtype)[6:]} {layout}")
            for direction in (TO_E3NN, TO_METATENSOR):
                ratios.append(medians[direction] / medians[COPY])
                peaks.append(work[direction].peak / size)
                print(
                    f"{str(dtype)[6:]:>8} {layout:>7} {name:>15} {direction:>13} | "
                    f"{medians[direction]:6.2f} {ratios[-1]:6.2f} {peaks[-1]:13.2f}",
                    flush=True,
                )
    print(f"worst: {max(ratios):.2f} × the copy, peak {max(peaks):.2f} × the tensor")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    report(arguments.samples, arguments.rounds)
