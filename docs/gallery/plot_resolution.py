"""
What an embedding resolves
==========================

An expansion in few functions is blurred. Here is the density around one particle of a dense Gay-Berne
fluid, in the plane of its two nearest neighbours, and what three expansions keep of it.
"""

import torch
from matplotlib import pyplot as plt
from torch.distributions import MultivariateNormal

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.geometry import covariances
from anisoap_e3nn.graph import edges_of
from anisoap_e3nn.nn import expanded_density, suggest_hyperparameters

torch.set_default_dtype(torch.float64)
CUTOFF = 3.0

# %%
# A fluid, and three embeddings
# -----------------------------

(data,) = gay_berne_fluids(1, temperature=1.2, n_sweeps=60)
suggestion = suggest_hyperparameters([data], CUTOFF)
print(suggestion.reason)

narrow = {"density_width": 0.3, "radial_gaussian_width": 0.4}
embeddings = {
    "AniSOAP's density, l ≤ 6": {"max_angular": 6, "radial_gaussian_width": 0.75},
    "density width 0.3, l ≤ 6, n ≤ 4": {"max_angular": 6, "max_radial": 4, **narrow},
    "as suggested, l ≤ 8, n ≤ 4": suggestion.hyperparameters,
}

# %%
# The plane
# ---------

edges = edges_of(data, CUTOFF)
of_first = edges.edge_index[1] == 0
r, neighbors = edges.edge_vectors[of_first], edges.edge_index[0, of_first]
nearest = r[r.norm(dim=1).argsort()[:2]]
basis = torch.linalg.qr(nearest.T).Q.T  # two orthogonal unit vectors in the plane -> [2, 3]
axis = torch.linspace(-2, 2, 120) + 1e-6
plane = torch.cartesian_prod(axis, axis) @ basis
shapes = covariances(data.orientations, data.semiaxes)[neighbors]

# %%
# Densities and expansions
# ------------------------
#
# In the first column the neighbours have densities as wide as themselves. They merge, and nothing tells
# where one ends and the next begins. Narrow densities are apart, and more functions draw them more
# sharply.

figure, panels = plt.subplots(2, 3, figsize=(9, 6.3), layout="constrained")
for (title, arguments), column in zip(embeddings.items(), panels.T, strict=True):
    embedding = AniSOAPEmbedding([0], CUTOFF, include_self=False, **arguments)
    width = embedding.density_width
    density = sum(
        MultivariateNormal(centre, width**2 * shape).log_prob(plane).exp()
        for centre, shape in zip(r, shapes, strict=True)
    )
    expanded = expanded_density(embedding, embedding(data)[0].detach(), plane)
    top = float(density.max())
    for panel, values in zip(column, (density, expanded), strict=True):
        image = values.view(len(axis), -1).T
        panel.imshow(
            image, extent=(-2, 2, -2, 2), origin="lower", cmap="RdBu_r", vmin=-top, vmax=top
        )
        panel.plot(0, 0, "k+")
        panel.set(xticks=(), yticks=())
    column[0].set_title(title, fontsize=9)
panels[0, 0].set_ylabel("density")
panels[1, 0].set_ylabel("expansion")

# %%
# ``examples/embedding_resolution.py`` goes on from here: it fits energies to these features and compares
# the errors.
