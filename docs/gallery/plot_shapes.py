"""
Learn a particle's shape
========================

Nobody has to tell a model how large its particles are. The semi-axes can be parameters, and gradients reach
them through the embedding. Here a sphere becomes a lath, from nothing but energies of pairs.
"""

import torch
from matplotlib import pyplot as plt
from matplotlib.patches import Ellipse
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.geometry import covariances
from anisoap_e3nn.potentials import ParticleShapes

torch.manual_seed(0)
CUTOFF = 8.0
LATH = torch.tensor([1.5, 0.9, 0.5])

# %%
# The data
# --------
#
# The energy of a pair is the overlap of two Gaussian ellipsoids, which has a closed form. 300 pairs lie at
# random.

direction = torch.nn.functional.normalize(torch.randn(300, 3))
distance = 0.5 + 3 * torch.rand(300, 1)
pairs = Batch.from_data_list(
    [
        EllipsoidData(
            torch.stack([torch.zeros(3), r]), torch.randn(2, 4), LATH.expand(2, 3), [0, 0]
        )
        for r in distance * direction
    ]
).with_edges(CUTOFF)
sums = covariances(pairs.orientations, pairs.semiaxes).view(-1, 2, 3, 3).sum(1)
overlap = torch.distributions.MultivariateNormal(torch.zeros(3), sums)
energies = overlap.log_prob(distance * direction).exp()

# %%
# The model
# ---------
#
# It knows that the energy is an overlap of densities, which is a scalar product of their coefficients. What
# it does not know is the shape: it begins with spheres.


class OverlapEnergy(torch.nn.Module):
    """Scalar product of the densities of two particles."""

    def __init__(self) -> None:
        super().__init__()
        basis = {"max_angular": 6, "radial_gaussian_width": 1.0, "cutoff_function": "polynomial"}
        self.shapes = ParticleShapes(types=[0], semiaxes=[1.0, 1.0, 1.0])
        self.all = AniSOAPEmbedding([0], CUTOFF, **basis)
        self.others = AniSOAPEmbedding([0], CUTOFF, **basis, include_self=False)

    def forward(self, data: EllipsoidData) -> Tensor:
        data = self.shapes(data)
        others = self.others(data)  # -> [particle, coefficient]
        return ((self.all(data) - others) * others).sum(1).view(-1, 2).mean(1)  # -> [pair]


pairs.semiaxes = torch.zeros_like(pairs.semiaxes)  # hidden from the model
model = OverlapEnergy()

# %%
# The search
# ----------

optimizer = torch.optim.LBFGS(
    model.parameters(), max_iter=1, max_eval=20, line_search_fn="strong_wolfe"
)


def loss() -> Tensor:
    optimizer.zero_grad()
    error = (model(pairs) - energies).square().mean() / energies.var()
    error.backward()
    return error.detach()


history = [model.shapes.semiaxes.detach()[0]]
for _ in range(12):
    error = optimizer.step(loss)
    history.append(model.shapes.semiaxes.detach()[0])
steps = torch.stack(history).sort(dim=1, descending=True).values  # the order of axes is arbitrary
print(f"found {steps[-1].numpy().round(2)}, true {LATH.numpy()}")

# %%
# Left, the outline of the particle across its longest and its shortest axis.

figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for k, shade in ((0, 0.15), (1, 0.35), (2, 0.6), (len(steps) - 1, 1.0)):
    outline = {"fill": False, "ec": "C0", "alpha": shade, "lw": 2, "label": f"step {k}"}
    panels[0].add_patch(Ellipse((0, 0), 2 * float(steps[k, 0]), 2 * float(steps[k, 2]), **outline))
true = {"fill": False, "ec": "k", "ls": ":", "label": "true"}
panels[0].add_patch(Ellipse((0, 0), 2 * float(LATH[0]), 2 * float(LATH[2]), **true))
panels[0].set(xlim=(-1.8, 1.8), ylim=(-1.2, 1.9), aspect="equal")
panels[0].legend(frameon=False, ncols=3, loc="upper center", fontsize=8)
panels[1].plot(steps)
panels[1].hlines(LATH, 0, len(steps) - 1, "k", "dotted")
panels[1].set(xlabel="step", ylabel="semi-axes")
