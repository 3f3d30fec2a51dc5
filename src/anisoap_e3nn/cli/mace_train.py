"""The command ``anisoap-e3nn mace-train``."""

import argparse


def mace_train(options: argparse.Namespace) -> None:
    """Train MACE on ellipsoids."""
    try:
        from ..interop.mace import train
    except ImportError as error:
        raise ImportError(
            f'MACE cannot be imported ({error}): pip install "anisoap-e3nn[mace]"'
        ) from error
    train(options.config, options.options)
