"""Optional packages: imports on first use, with installation hints."""

from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch.jit import _builtins

_INSTALL_METATENSOR = 'pip install "anisoap-e3nn[metatensor]"'
_INSTALL_METATOMIC = 'pip install "anisoap-e3nn[metatomic]"'


def import_metatensor() -> ModuleType:
    """Import the module ``metatensor``, for arrays of NumPy or torch.

    Raises
    ------
    ImportError
        If metatensor-core is not installed.
    """
    return _import("metatensor", "metatensor")


def import_metatensor_torch() -> ModuleType:
    """Import the module ``metatensor.torch``, also after torch-geometric, see :func:`let_torchscript_select`.

    Raises
    ------
    ImportError
        If metatensor-core or metatensor-torch is not installed.
    """
    import_metatensor()
    let_torchscript_select()
    return _import("metatensor.torch", "metatensor-torch")


def import_metatomic_torch() -> ModuleType:
    """Import the module ``metatomic.torch``.

    Raises
    ------
    ImportError
        If metatensor-torch or metatomic-torch is not installed.
    """
    import_metatensor_torch()
    return _import("metatomic.torch", "metatomic-torch", _INSTALL_METATOMIC)


def let_torchscript_select() -> None:
    """Tell TorchScript that torch-geometric's ``index_select`` and ``select`` are those of torch.

    torch-geometric (2.8, for example) replaces ``torch.index_select`` and ``torch.select`` by Python
    functions, for its hash tensors. TorchScript neither knows nor can compile these functions, so every
    compilation of a call to them fails. One of these is ``import metatensor.torch`` with
    metatensor-operations installed. After this function, compiled code calls torch's own operators,
    whether torch-geometric is imported before or after. Python still calls torch-geometric's functions.
    """
    if not isinstance(table := _builtins._get_builtin_table(), _Operators):
        _builtins._builtin_table = _Operators(table)


def _import(module: str, package: str, hint: str = _INSTALL_METATENSOR) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"{package} cannot be imported ({error}): {hint}") from error


class _Operators(dict[int, str]):
    """TorchScript's table of torch's operators by the id of their Python functions."""

    def get(self, key: int, default: Any = None) -> Any:
        for name in ("index_select", "select"):
            if key == id(getattr(torch, name)):  # the present function
                return f"aten::{name}"
        return super().get(key, default)
