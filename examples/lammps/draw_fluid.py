"""Draw the first and the last frame of the LAMMPS example: ``python draw_fluid.py fluid.dump fluid.png``.

Colours show the direction of each particle's longest axis: red, green and blue for x, y and z.
"""

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.geometry import rotation_matrices

ANGLES = np.meshgrid(np.linspace(0, np.pi, 10), np.linspace(0, 2 * np.pi, 14), indexing="ij")


def draw(axes: Any, data: Any) -> None:
    theta, phi = ANGLES
    sphere = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    rotations = rotation_matrices(data.orientations).numpy()
    box = data.cell[0].diagonal().numpy()
    for r, R, a in zip(data.pos.numpy() % box, rotations, data.semiaxes.numpy(), strict=True):
        x, y, z = np.einsum("ij,j,jtp->itp", R, a, sphere) + r[:, None, None]
        axes.plot_surface(x, y, z, color=np.abs(R[:, a.argmax()]), shade=True, linewidth=0)
    axes.set(xlim=(0, box[0]), ylim=(0, box[1]), zlim=(0, box[2]), box_aspect=(1, 1, 1))


def main(dump: str, picture: str) -> None:
    frames = list(read_ellipsoids(dump, quaternion_order="wxyz"))
    figure, panels = plt.subplots(1, 2, figsize=(10, 5), subplot_kw={"projection": "3d"})
    for axes, data, title in zip(panels, (frames[0], frames[-1]), ("start", "end"), strict=True):
        draw(axes, data)
        axes.set_title(f"{title}: box {float(data.cell[0, 0, 0]):.2f}")
    figure.tight_layout()
    figure.savefig(picture, dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:])
