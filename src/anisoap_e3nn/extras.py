"""Optional packages, imported when they are needed, with a word on how to install them."""

from importlib import import_module
from types import FunctionType, ModuleType

import torch

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
        raise ImportError(f"no metatensor here: {_INSTALL_METATENSOR}") from error


def import_metatensor_torch() -> ModuleType:
    """The module ``metatensor.torch``, also after torch-geometric was imported.

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
        raise ImportError(f"no metatensor-torch here: {_INSTALL_METATENSOR}") from error


def let_torchscript_select() -> None:
    """Tell TorchScript that torch-geometric's ``index_select`` and ``select`` are those of torch.

    torch-geometric (2.8, for one) puts Python functions in the place of ``torch.index_select`` and
    ``torch.select``, for the sake of its hash tensors, which TorchScript does not know. It cannot
    compile them either, so that from then on whatever compiles a call of them fails, among it
    ``import metatensor.torch`` where metatensor-operations is installed. Compiled code goes to torch's
    own operators from here on; Python goes on calling torch-geometric's. Nothing happens where
    torch-geometric has not been imported.
    """
    from torch.jit import _builtins  # the table where TorchScript looks functions up

    for name in ("index_select", "select"):
        function = getattr(torch, name)
        if isinstance(function, FunctionType) and _builtins._find_builtin(function) is None:
            _builtins._register_builtin(function, f"aten::{name}")
