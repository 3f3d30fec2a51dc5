"""The command ``anisoap-e3nn convert``."""

import argparse

import torch
from tqdm import tqdm

from .input_frames import input_frames
from .printing import print_text


def convert(options: argparse.Namespace) -> None:
    """Write all frames of a file of ellipsoids as extended XYZ."""
    from ..data.files.extended_xyz_file import ExtendedXYZFile

    with ExtendedXYZFile(options.output, options.overwrite) as output:
        n_frames = 0
        frames = input_frames(options, torch.float64)
        for data in tqdm(frames, desc="convert", unit="frame", disable=None):
            output.append(data)
            n_frames += 1
        size = output.finish()
    print_text(f"wrote  {options.output}, {n_frames} frames, {size / 1e6:.3g} MB")
