"""Optional packages, imported when they are needed, with a word on how to install them."""

from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch.jit import _builtins

_INSTALL_METATENSOR = 'pip install "anisoap-e3nn[metatensor]"'


def import_metatensor() -> ModuleType:
    """The module ``metatensor``, whose arrays are NumPy's or torch's.

    Raises
    ------
    ImportError
        Where metatensor-core is not installed.
    """
    try:
        return import_module("metatensor")
    except ImportError as error:
        raise ImportError(f"no metatensor here ({error}): {_INSTALL_METATENSOR}") from error


def import_metatensor_torch() -> ModuleType:
    """The module ``metatensor.torch``, also after torch-geometric, see `let_torchscript_select`.

    Raises
    ------
    ImportError
        Where metatensor-core or metatensor-torch is not installed.
    """
    import_metatensor()
    let_torchscript_select()
    try:
        return import_module("metatensor.torch")
    except ImportError as error:
        raise ImportError(f"no metatensor-torch here ({error}): {_INSTALL_METATENSOR}") from error


def let_torchscript_select() -> None:
    """Tell TorchScript that torch-geometric's ``index_select`` and ``select`` are those of torch.

    torch-geometric (2.8, for one) puts Python functions in the place of ``torch.index_select`` and
    ``torch.select``, for the sake of its hash tensors, which TorchScript does not know. It cannot
    compile them either, so that from then on whatever compiles a call of them fails, among it
    ``import metatensor.torch`` where metatensor-operations is installed. From here on compiled code goes
    to torch's own operators, whether torch-geometric has been imported or will be; Python goes on
    calling torch-geometric's.
    """
    if not isinstance(table := _builtins._get_builtin_table(), _Operators):
        _builtins._builtin_table = _Operators(table)


class _Operators(dict[int, str]):
    """TorchScript's table of torch's operators by the id of their Python functions."""

    def get(self, key: int, default: Any = None) -> Any:
        for name in ("index_select", "select"):
            if key == id(getattr(torch, name)):  # whatever stands there by now
                return f"aten::{name}"
        return super().get(key, default)
