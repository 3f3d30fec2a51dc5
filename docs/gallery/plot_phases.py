"""
A map of two phases
===================

Rods of a Gay-Berne fluid are parallel where they are crowded (nematic) and point anywhere where they have
room (isotropic). We simulate both phases, describe what surrounds every rod by its power spectrum, and draw
a map of these descriptions by principal component analysis. The map is not told which rod belongs to which
phase.
"""

# sphinx_gallery_thumbnail_number = 2
import torch
from matplotlib import pyplot as plt
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.simulation import ForceField, Langevin, RigidBodies

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
DENSITIES = {"isotropic": 0.22, "nematic": 0.34}


# %%
# Two fluids
# ----------
#
# Both start from parallel rods on a lattice. In the dilute fluid they lose their order, in the dense one
# they keep it.


def lattice(density: float) -> EllipsoidData:
    """144 parallel rods in layers of hexagons."""
    columns, rows, layers = 6, 4, 3
    counts = (torch.arange(float(n)) for n in (columns, rows, layers))
    # the second rod in the middle of each rectangle makes hexagons
    x, y, z, half = torch.cartesian_prod(*counts, torch.tensor([0.0, 0.5])).T
    steps = torch.stack([(x + half) / columns, (y + half) / rows, z / layers], dim=1)
    cell = torch.tensor([columns, rows * 3**0.5, layers * 2.9])
    cell *= (len(steps) / density / cell.prod()) ** (1 / 3)
    along_z = torch.tensor([[1.0, 0, 0, 0]]).expand(len(steps), 4)
    rods = torch.tensor([[0.5, 0.5, 1.5]]).expand(len(steps), 3)
    types = torch.zeros(len(steps), dtype=torch.int64)
    return EllipsoidData(steps * cell, along_z, rods, types, torch.diag(cell), pbc=True)


def order(data: EllipsoidData) -> float:
    """Order parameter: 1 for parallel rods, about 0 for rods in all directions."""
    axes = rotation_matrices(data.orientations)[:, :, 2]
    return float(torch.linalg.eigvalsh(1.5 * axes.T @ axes / len(axes) - 0.5 * torch.eye(3))[-1])


potential = GayBerne([0], cutoff=4.0, well_depths=[1, 1, 0.2], mu=2, smoothing_width=0.5)
frames: dict[str, list[EllipsoidData]] = {}
orders: dict[str, list[float]] = {}
for phase, density in DENSITIES.items():
    bodies = RigidBodies(lattice(density))
    bodies.draw_momenta(temperature=1.25)
    dynamics = Langevin(ForceField(potential), bodies, 0.004, temperature=1.25, friction=1.0)
    frames[phase], orders[phase] = [], []
    for _ in range(20):
        dynamics.run(100)
        frames[phase].append(bodies.data)
        orders[phase].append(order(bodies.data))

figure, panel = plt.subplots(figsize=(6, 3), layout="constrained")
for phase, values in orders.items():
    panel.plot(0.4 * torch.arange(1, 21), values, label=f"{phase}, density {DENSITIES[phase]}")
panel.set(xlabel="time", ylabel="order parameter", ylim=(0, 1))
panel.legend(frameon=False)

# %%
# Features and their principal components
# ---------------------------------------
#
# The last frames of both, and the power spectrum around every rod.

embedding = AniSOAPEmbedding(
    [0], 3.0, 4, radial_gaussian_width=1.0, cutoff_function="polynomial", density_width=0.5
)
spectrum = PowerSpectrum(embedding.irreps_out, l_max=0)


def features(data: list[EllipsoidData]) -> Tensor:
    return spectrum(embedding(Batch.from_data_list(data)))


last = {phase: features(some[-3:]) for phase, some in frames.items()}
x = torch.cat(list(last.values()))
x = (x - x.mean(0)) / x.std(0)
_, S, V = torch.linalg.svd(x, full_matrices=False)
components = x @ V[:2].T
print(f"the first two components have {float(S[:2].square().sum() / S.square().sum()):.0%}")

figure, panel = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
shares = components.split([len(some) for some in last.values()])
for phase, share in zip(last, shares, strict=True):
    panel.plot(*share.T, ".", markersize=4, label=phase)
panel.set(xlabel="first component", ylabel="second component")
panel.legend(frameon=False)

# %%
# The first component separates the phases. It need not be the order alone: rods of the dense fluid also
# have more neighbours, and both differences are in the density around a rod.
