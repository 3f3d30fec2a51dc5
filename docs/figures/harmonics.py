"""Real spherical harmonics of l = 1, 2, 3 in the common basis and in e3nn's."""

import torch
from e3nn import o3
from matplotlib import pyplot as plt

from anisoap_e3nn.conventions import wiki_to_e3nn

torch.set_default_dtype(torch.float64)
polar, azimuth = torch.meshgrid(
    torch.linspace(0, torch.pi, 37), torch.linspace(0, 2 * torch.pi, 49), indexing="ij"
)
directions = torch.stack(
    [polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()], dim=-1
)


def draw(grid: plt.GridSpec, row: int, l: int, values: torch.Tensor) -> None:
    """Surfaces at the distance |Y| from the origin, in the direction of each point of the sphere."""
    for m in range(-l, l + 1):
        panel = figure.add_subplot(grid[row, m + 3], projection="3d")
        Y = values[..., m + l]
        surface = (Y.abs()[..., None] * directions).movedim(-1, 0).numpy()
        colors = plt.get_cmap("RdBu_r")(0.5 + 0.42 * Y.sign().numpy())
        panel.plot_surface(*surface, facecolors=colors, rstride=1, cstride=1, linewidth=0)
        reach = 0.8 * float(Y.abs().max())
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
        panel.set_box_aspect((1, 1, 1), zoom=1.3)
        panel.set_axis_off()
        panel.view_init(elev=20, azim=35)
        panel.set_title(f"m = {m}".replace("-", "−") if row % 2 == 0 else "", fontsize=8, y=1.0)


figure = plt.figure(figsize=(9, 8), layout="none")
grid = figure.add_gridspec(6, 7, left=0.11, right=1, bottom=0, top=0.96, wspace=0, hspace=0.12)
for l in (1, 2, 3):
    e3nn = o3.spherical_harmonics(l, directions, normalize=True, normalization="integral")
    wiki = e3nn @ wiki_to_e3nn(l)  # Y_e3nn = Q Y_wiki, and Q is orthogonal
    for k, (name, values) in enumerate((("common", wiki), ("e3nn", e3nn))):
        row = 2 * (l - 1) + k
        draw(grid, row, l, values)
        figure.text(0.01, 0.96 - (row + 0.5) * 0.96 / 6, f"l = {l}\n{name}", va="center")
