"""Write Gay-Berne pairs and fluids as extended XYZ, the data of the examples for nequip and MACE.

    python examples/host_data.py data

writes data/pairs_train.xyz, pairs_val.xyz, pairs_test.xyz and the same of fluid. The fluid's frames are of
a cold and a hot liquid of equal density.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile
from anisoap_e3nn.gay_berne import gay_berne_fluids, gay_berne_pairs

TEMPERATURES = (1.2, 3.0)


def write(path: Path, frames: Iterable[Any], overwrite: bool) -> None:
    with ExtendedXYZFile(path, overwrite) as file:
        for frame in frames:
            file.append(frame)
        file.finish()


def fluids(sizes: dict[str, int], n_particles: int, n_sweeps: int) -> dict[str, list[Any]]:
    """Frames of each share, half of them of each temperature."""
    shares: dict[str, list[Any]] = {name: [] for name in sizes}
    for seed, temperature in enumerate(tqdm(TEMPERATURES, desc="Monte Carlo", leave=False)):
        n_frames = sum(sizes.values()) // 2
        frames = gay_berne_fluids(
            n_frames, n_particles, temperature=temperature, n_sweeps=n_sweeps, seed=seed
        )
        for name, n in sizes.items():
            shares[name] += [frames.pop() for _ in range(n // 2)]
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, nargs=3, default=(1570, 194, 194), metavar="N")
    parser.add_argument("--frames", type=int, nargs=3, default=(80, 16, 16), metavar="N")
    parser.add_argument("--particles", type=int, default=64, help="in each frame of the fluid")
    parser.add_argument("--sweeps", type=int, default=60, help="of Monte Carlo between two frames")
    parser.add_argument("--overwrite", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = ("train", "val", "test")
    pairs = dict(zip(names, gay_berne_pairs(sizes=tuple(options.pairs)), strict=True))
    sizes = dict(zip(names, options.frames, strict=True))
    shares = fluids(sizes, options.particles, options.sweeps)
    for kind, parts in (("pairs", pairs), ("fluid", shares)):
        for name, frames in parts.items():
            write(options.folder / f"{kind}_{name}.xyz", frames, options.overwrite)


if __name__ == "__main__":
    main()
