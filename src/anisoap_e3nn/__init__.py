"""Densities of ellipsoids as e3nn irreps."""

import signal
import sys

_IS_COMMAND = "".join(sys.argv[:1]).endswith("anisoap-e3nn") or "anisoap_e3nn.cli" in sys.orig_argv
if _IS_COMMAND and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C ends the command quietly while torch is imported; afterwards cli.main handles it
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import lazy_loader  # noqa: E402
import torch  # noqa: E402

with torch.serialization.safe_globals([slice]):  # which e3nn 0.4 keeps in its file of constants
    import e3nn  # noqa: F401

__version__ = "0.2.0"
# torch-geometric and metatensor are slow to import: only when they are asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
