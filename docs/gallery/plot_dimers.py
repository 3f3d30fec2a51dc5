"""
Two benzene dimers, one potential
=================================

Benzene molecules bind stacked and displaced, or at right angles like a T. The S22x5 set has accurate
energies of both dimers at five distances, and ASE brings structures and energies along. Each molecule becomes
a disk. Can one Gay-Berne potential describe both ways of binding?
"""

import torch
from ase.data.s22 import create_s22_system, get_interaction_energy_s22x5
from matplotlib import pyplot as plt
from scipy.optimize import least_squares
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import coarse_grain
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.potentials import mechanics

torch.set_default_dtype(torch.float64)
DIMERS = {"stacked": "Benzene_dimer_parallel_displaced", "T-shaped": "Benzene_dimer_T-shaped"}
STRETCHES = (0.9, 1.0, 1.2, 1.5, 2.0)

# %%
# From atoms to disks
# -------------------
#
# The energies are in eV, lengths in Å. The third axis of each disk is its normal.

disks = [
    coarse_grain(create_s22_system(dimer, stretch))
    for dimer in DIMERS.values()
    for stretch in STRETCHES
]
energies = torch.tensor(
    [
        get_interaction_energy_s22x5(dimer, stretch)
        for dimer in DIMERS.values()
        for stretch in STRETCHES
    ]
)
print(disks[0].semiaxes)
distances = torch.stack([(disk.pos[1] - disk.pos[0]).norm() for disk in disks]).view(2, 5)

# %%
# Five numbers
# ------------
#
# The depth and the length of the potential, the radius and half the thickness of the disk, and the relative
# depth of contacts along the normal. All are positive, so their logarithms are fitted.


def model(logarithms: torch.Tensor) -> tuple[GayBerne, list[float]]:
    """Potential, and the semi-axes of a disk."""
    epsilon, sigma, radius, thickness, depth = logarithms.exp().tolist()
    potential = GayBerne([0], cutoff=30.0, epsilon=epsilon, sigma=sigma, well_depths=[1, 1, depth])
    return potential, [radius, radius, thickness]


def energies_of(logarithms: torch.Tensor, frames: list[EllipsoidData]) -> torch.Tensor:
    potential, semiaxes = model(logarithms)
    batch = Batch.from_data_list(frames)
    batch.semiaxes = torch.tensor(semiaxes).expand(batch.num_nodes, 3)
    batch.types = torch.zeros_like(batch.types)
    return mechanics(potential, batch).energy


first = torch.tensor([0.1, 3.0, 3.0, 1.5, 2.0]).log()
fit = least_squares(lambda p: (energies_of(torch.tensor(p), disks) - energies).numpy(), first)
found = torch.tensor(fit.x)
for name, number in zip(
    ("depth (eV)", "length (Å)", "radius (Å)", "half thickness (Å)", "relative depth"),
    found.exp(),
    strict=True,
):
    print(f"{name:20}{number:.2f}")
print(f"root mean square error: {1000 * (fit.fun**2).mean() ** 0.5:.0f} meV")

# %%
# Dissociation curves
# -------------------


def pulled(disk: EllipsoidData, distance: float) -> EllipsoidData:
    """The dimer with another distance of the centres."""
    r = disk.pos[1] - disk.pos[0]
    moved = disk.clone()
    moved.pos = torch.stack([torch.zeros(3), distance * r / r.norm()])
    return moved


figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
for k, name in enumerate(DIMERS):
    reach = torch.linspace(float(distances[k, 0]) - 0.15, 9.0, 100)
    curve = energies_of(found, [pulled(disks[5 * k + 1], float(d)) for d in reach])
    panel.plot(reach, 1000 * curve, f"C{k}", label=f"{name}, Gay-Berne")
    panel.plot(distances[k], 1000 * energies[5 * k : 5 * k + 5], f"C{k}o", label=f"{name}, S22x5")
panel.axhline(0, color="0.8", zorder=0)
panel.set(xlabel="distance of the centres (Å)", ylabel="energy (meV)", ylim=(-140, 60))
panel.legend(frameon=False)

# %%
# Five numbers for ten energies leave little to check. But the shape is that of a molecule: the disk is about
# as thick as a layer of graphite, and as wide as benzene with its hydrogen atoms.
