"""The command ``anisoap-e3nn mace-train``."""

import argparse

from .signals import telling


def mace_train(options: argparse.Namespace) -> None:
    """Train MACE on ellipsoids."""
    try:
        from ..interop.mace import train
    except ImportError as error:
        raise ImportError(
            f'MACE cannot be imported ({error}): pip install "anisoap-e3nn[mace]"'
        ) from error
    words = "checkpoints that MACE has written are kept; its option --restart_latest continues from them"
    with telling(lambda: words):
        train(options.config, options.options)
