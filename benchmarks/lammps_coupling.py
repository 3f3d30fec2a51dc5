"""Work of ``pair_style anisoap`` beside the model's: ``python -m benchmarks.lammps_coupling``.

CPU time of a step of 1000 triaxial Gay-Berne ellipsoids on one rank and one thread: of the model's own
evaluation, of the whole pair style, and of the step. The pair style also gathers orientations, communicates
them to ghosts, selects edges within the cutoff from LAMMPS' list, and adds up forces. Median of nine runs.
The time of a kernel that LAMMPS calls without Python is that of other runs between them, since its clock is
in Python.
"""

import ctypes
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from anisoap_e3nn.interop.lammps import start_lammps
from anisoap_e3nn.interop.lammps.kernel import PairKernel
from anisoap_e3nn.interop.lammps.opened_model import OpenedModel

from .lammps import styles, write_files
from .pair_forces import SKIN, TIME_STEP

STEPS = {"gay_berne": 100, "pair": 100, "many_body": 20, "network": 4}
ROUNDS = 9
Kernel = ctypes.CFUNCTYPE(ctypes.c_int, *(ctypes.c_void_p,) * 3)


class ModelClock:
    """CPU seconds of the evaluations of models. A kernel is timed if it is opened while the clock is on."""

    def __init__(self) -> None:
        self.seconds, self.is_on = 0.0, False
        self._kernels: list[Any] = []  # as long as LAMMPS may call them
        self._untimed_kernel = PairKernel.of
        PairKernel.of = self._kernel  # type: ignore[method-assign]
        others = self._timed(OpenedModel._add_neighborhoods)
        OpenedModel._add_neighborhoods = others  # type: ignore[method-assign]

    def _kernel(self, term: Any) -> PairKernel | None:
        kernel = self._untimed_kernel(term)
        if kernel is None or not self.is_on:
            return kernel
        timed = Kernel(self._timed(Kernel(kernel.address)))
        self._kernels.append(timed)
        return kernel._replace(address=ctypes.cast(timed, ctypes.c_void_p).value or 0)

    def _timed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            start = time.process_time()
            result = run(*arguments)
            self.seconds += time.process_time() - start
            return result

        return timed


def started(style: str, data: Path) -> Any:
    lmp = start_lammps(["-screen", "none", "-log", "none"])
    lmp.commands_string(
        f"units lj\natom_style ellipsoid\nread_data {data}\n{style}\nneighbor {SKIN} bin\n"
        f"velocity all create 1.2 7 loop geom\nfix 1 all nve/asphere\ntimestep {TIME_STEP}\nrun 2"
    )
    return lmp


def milliseconds(style: str, data: Path, n_steps: int, clock: ModelClock) -> tuple[float, ...]:
    """Medians a step of the model, of the pair style and of all."""
    log = data.with_name("log")
    plain = started(style, data)
    clock.is_on = True
    with_clock = started(style, data)
    clock.is_on = False
    rows = []
    for _ in range(ROUNDS):
        plain.command(f"log {log}")
        clock.seconds, start = 0.0, time.process_time()
        plain.command(f"run {n_steps} pre no")
        all_ = time.process_time() - start
        if clock.seconds == 0.0:  # LAMMPS calls the kernel without Python
            with_clock.command(f"run {n_steps} pre no")
        plain.command("log none")
        text = log.read_text()
        # LAMMPS' clock gives the share of the pair style
        pair, loop = (
            float(re.findall(pattern, text)[-1])
            for pattern in (r"\nPair +\| +([\d.e+-]+)", r"Loop time of ([\d.e+-]+)")
        )
        rows.append([1e3 * x / n_steps for x in (clock.seconds, all_ * pair / loop, all_)])
    plain.close()
    with_clock.close()
    return tuple(map(median, zip(*rows, strict=True)))


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    clock = ModelClock()
    print("ms a step: model, pair style, all; work beside the model's in % of it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        for model, style in styles(folder).items():
            if model not in STEPS:
                continue
            of_model, pair, all_ = milliseconds(style, folder / "1000.data", STEPS[model], clock)
            beside = 100 * (pair / of_model - 1)
            print(
                f"{model:10s} {of_model:7.2f} {pair:7.2f} {all_:7.2f} {beside:6.1f} %", flush=True
            )


if __name__ == "__main__":
    main()
