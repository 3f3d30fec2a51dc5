"""Turn the mapped liquid benzene of liquid.npz into files for training, validation and test.

The forces and torques are averages over the spins of the molecules about their normals, which disks cannot
see.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from anisoap_e3nn.data import EllipsoidData, with_visible_torques
from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile

SEMIAXES = [3.18, 3.18, 1.585]  # Å, with the van der Waals spheres of the atoms
MASS, MOMENTS = 78.114, [89.23, 89.23, 178.46]  # u, u Å²: of the atoms
# frames of the trajectory, half a picosecond apart
FRAMES = {"train": range(180), "validation": range(184, 200), "test": range(204, 240)}


def frames(
    share: str, as_spheres: bool = False, dtype: torch.dtype = torch.float64
) -> Iterator[EllipsoidData]:
    """Frames of one share, with what disks or spheres can see of the forces and torques."""
    stored = np.load(Path(__file__).parent / "liquid.npz")
    arrays = {name: torch.tensor(stored[name], dtype=dtype) for name in stored.files}
    n = arrays["positions"].shape[1]
    shape = torch.tensor(SEMIAXES, dtype=dtype)
    if as_spheres:
        shape = shape.prod().pow(1 / 3).expand(3)
    for k, number in enumerate(stored["frame"].tolist()):
        if number not in FRAMES[share]:
            continue
        frame = EllipsoidData(
            pos=arrays["positions"][k],
            orientations=arrays["quaternions"][k],
            semiaxes=shape.repeat(n, 1),
            types=[0] * n,
            cell=arrays["cell"] * torch.eye(3, dtype=dtype),
            pbc=True,
            forces=arrays["forces"][k],
            torques=arrays["torques"][k],
            masses=torch.full((n,), MASS, dtype=dtype),
            moments=torch.tensor([MOMENTS] * n, dtype=dtype),
        )
        if as_spheres:
            del frame.torques
        yield with_visible_torques(frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, nargs="?", default=Path("."), help="folder")
    parser.add_argument("--spheres", action="store_true", help="spheres of equal volume")
    parser.add_argument("--overwrite", action="store_true")
    args = parser.parse_args()
    for share in FRAMES:
        path = args.output / f"{'spheres' if args.spheres else 'disks'}_{share}.xyz"
        with ExtendedXYZFile(path, args.overwrite) as file:
            for frame in frames(share, args.spheres):
                file.append(frame)
            file.finish()
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
