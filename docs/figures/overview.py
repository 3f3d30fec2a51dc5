"""Six ellipsoids around a particle, their density, and what an expansion keeps of it."""

import torch
from matplotlib import pyplot as plt
from matplotlib.patches import Ellipse

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.geometry import covariances
from anisoap_e3nn.nn import expanded_density

torch.set_default_dtype(torch.float64)
angles = torch.arange(6) * torch.pi / 3
tilts = torch.tensor([0.2, 1.3, 2.0, 0.9, 2.8, 1.7])
centres = 3.0 * torch.stack([angles.cos(), angles.sin(), torch.zeros(6)], dim=1)
quaternions = torch.stack([(tilts / 2).cos(), *torch.zeros(2, 6), (tilts / 2).sin()], dim=1)
data = EllipsoidData(
    pos=torch.cat([torch.zeros(1, 3), centres]),
    orientations=torch.cat([torch.tensor([[1.0, 0, 0, 0]]), quaternions]),
    semiaxes=torch.tensor([1.2, 0.55, 0.55]).repeat(7, 1),
    types=[0] * 7,
)
embedding = AniSOAPEmbedding(
    [0], cutoff=5.0, max_angular=10, max_radial=6, radial_gaussian_width=0.75,
    density_width=0.6, include_self=False,
).double()  # fmt: skip

axis = torch.linspace(-4.5, 4.5, 150) + 1e-6
plane = torch.cartesian_prod(axis, axis, torch.zeros(1))
shapes = embedding.density_width**2 * covariances(data.orientations, data.semiaxes)[1:]
density = sum(
    torch.distributions.MultivariateNormal(centre, shape).log_prob(plane).exp()
    for centre, shape in zip(centres, shapes, strict=True)
)
expanded = expanded_density(embedding, embedding(data)[0].detach(), plane)

figure, panels = plt.subplots(1, 3, figsize=(9, 3.5))
for centre, tilt in zip(centres, tilts, strict=True):
    panels[0].add_patch(
        Ellipse(centre[:2].tolist(), 2.4, 1.1, angle=float(tilt.rad2deg()), fc="C0", alpha=0.7)
    )
for panel, values in zip(panels[1:], (density, expanded), strict=True):
    panel.imshow(
        values.view(150, 150).T, extent=(-4.5, 4.5) * 2, origin="lower", cmap="RdBu_r",
        vmin=-density.max(), vmax=density.max(),
    )  # fmt: skip
titles = ("ellipsoids around a particle", "their density", "its expansion, l ≤ 10")
for panel, title in zip(panels, titles, strict=True):
    panel.plot(0, 0, "k+")
    panel.spines[:].set_visible(False)
    panel.set(aspect="equal", xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), xticks=(), yticks=(), title=title)
