"""
Fit energies, forces and torques
================================

Linear potentials are fitted to pairs of Gay-Berne ellipsoids by least squares, to energies, forces and
torques at once.
"""

import torch
from matplotlib import pyplot as plt
from torch_geometric.data import Batch

from anisoap_e3nn.fitting import fit_linear, r_squared
from anisoap_e3nn.gay_berne import gay_berne_pairs
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    mechanics,
)

torch.set_default_dtype(torch.float64)

# %%
# Data
# ----
#
# Random pairs of triaxial ellipsoids, from touching to apart. Each frame has an energy, and a force and a
# torque on either particle.

train, _, test = gay_berne_pairs(sizes=(600, 0, 200))

# %%
# Three models
# ------------
#
# The first one is linear in the power spectrum of AniSOAP's density, the second in that of narrow
# densities. The third knows that the energy is one of pairs.

models = {
    "many-body, density width 1": ManyBodyPotential([0], 4.0, 8, 4, 0.4, density_width=1.0),
    "many-body, density width 0.3": ManyBodyPotential([0], 4.0, 8, 4, 0.4, density_width=0.3),
    "pair": PairPotential([0], 4.0, decay_length=1.0),
}
models = {name: StackedPotential([OneBodyPotential([0]), part]) for name, part in models.items()}
for name, model in models.items():
    fit_linear(model, train, ridge=1e-8)
    scores = r_squared(model, test)
    print(f"{name:30}", *(f"{score:.4f}" for score in scores))

# %%
# Predictions
# -----------

batch = Batch.from_data_list(test)
figure, panels = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained")
for target, panel in zip(("energy", "forces", "torques"), panels, strict=True):
    true = batch[target].flatten()
    for (name, model), color in zip(models.items(), ("0.75", "C1", "C0"), strict=True):
        predicted = getattr(mechanics(model, batch), target).flatten()
        panel.plot(true, predicted, ".", markersize=3, color=color, label=name)
    panel.axline((0, 0), slope=1, color="k", linewidth=0.6)
    panel.set(title=target, xlabel="Gay-Berne")
panels[0].set_ylabel("predicted")
handles = panels[0].get_legend_handles_labels()
figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False, markerscale=4)

# %%
# With densities as wide as the particles the model does not see how far two surfaces are apart. The pair
# potential measures this gap like the Gay-Berne potential does, so these data suit it best.
# ``examples/linear_models.py`` has more models and pairs.
