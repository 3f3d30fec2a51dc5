"""
The embedding inside NequIP
===========================

NequIP's network knows points. It cannot tell how an ellipsoid is turned, so the best it can learn is an
average over orientations. With the density of ellipsoids as first layer, and edges that know how their two
particles lie, it sees them. Both networks are trained here on the same Gay-Berne pairs, then one particle is
turned.

nequip is not part of what the documentation installs (``pip install "anisoap-e3nn[nequip]"``). Where it is
missing, the program reads the curves that it stored where it was not.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from matplotlib import pyplot as plt

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
from anisoap_e3nn.potentials import mechanics

STORED = Path("nequip_curves.csv")
CUTOFF = 4.0
torch.set_default_dtype(torch.float64)

# %%
# A turning particle
# ------------------
#
# Two particles lie side by side. The second one is turned, so that now its longest axis and now its shortest
# points to the first.

angles = torch.linspace(0, torch.pi, 61)
turned = [
    EllipsoidData(
        pos=[[0.0, 0, 0], [1.6, 0, 0]],
        orientations=[[1.0, 0, 0, 0], [float((a / 2).cos()), 0, float((a / 2).sin()), 0]],
        semiaxes=[[0.5, 0.75, 1.0]] * 2,
        types=[0, 0],
    )
    for a in angles
]
potential = triaxial_gay_berne(cutoff=6.0)
true = [float(mechanics(potential, data).energy) for data in turned]

# %%
# Two networks
# ------------
#
# They are NequIP's own and ours, which differs in its first layer. The loss has energies and forces, and for
# ours torques too.


def nequip_batch(frames: list[EllipsoidData]) -> dict[str, torch.Tensor]:
    """Data of nequip, with all edges up to the cutoff."""
    import ase
    from nequip.data import AtomicDataDict, from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform

    transforms = [ChemicalSpeciesToAtomTypeMapper(["E"], {"X": "E"}), NeighborListTransform(CUTOFF)]
    items = []
    for frame in frames:
        atoms = ase.Atoms("X2", frame.pos.numpy())
        atoms.set_array("orientations", frame.orientations.numpy())
        atoms.set_array("semiaxes", frame.semiaxes.numpy())
        item = from_ase(atoms, include_keys=["orientations", "semiaxes"])
        for transform in transforms:
            item = transform(item)
        items.append(item)
    return AtomicDataDict.batched_from_list(items)


def curve_of(build, frames: list[EllipsoidData], **options) -> list[float]:
    """Train a network on pairs; its energies of the turning particle."""
    model = build(
        seed=1, model_dtype="float64", type_names=["E"], r_max=CUTOFF, num_layers=2, l_max=2,
        num_features=8, avg_num_neighbors=1.0, **options,
    )  # fmt: skip
    wanted = {
        "total_energy": torch.cat([frame.energy for frame in frames]).view(-1, 1),
        "forces": torch.cat([frame.forces for frame in frames]),
        "torques": torch.cat([frame.torques for frame in frames]),
    }
    batches = [
        (nequip_batch(frames[k : k + 50]), slice(k, k + 50)) for k in range(0, len(frames), 50)
    ]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    for _ in range(60):
        for batch, part in batches:
            optimizer.zero_grad()
            result = model(dict(batch))
            loss = 0.0
            for name in wanted.keys() & result.keys():
                rows = part if name == "total_energy" else slice(2 * part.start, 2 * part.stop)
                error = (result[name] - wanted[name][rows]).square().mean()
                loss = loss + error / wanted[name].var()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model(nequip_batch(turned))["total_energy"].detach().flatten().tolist()


if find_spec("nequip"):
    from nequip.model import NequIPGNNModel
    from nequip.utils.global_state import set_global_state

    from anisoap_e3nn.interop.nequip import AniSOAPNequIPModel

    set_global_state()
    frames = gay_berne_pairs(sizes=(400, 0, 0)).train
    embedding = {
        "max_angular": 6, "max_radial": 4, "radial_gaussian_width": 0.4, "density_width": 0.6,
    }  # fmt: skip
    blind = curve_of(NequIPGNNModel, frames)
    seeing = curve_of(AniSOAPNequIPModel, frames, embedding=embedding)
    table = np.column_stack([angles, blind, seeing])
    np.savetxt(STORED, table, "%.5f", ",", header="angle,nequip,density first", comments="")
else:
    print("nequip is not installed: these curves were stored where it was")
    _, blind, seeing = np.loadtxt(STORED, delimiter=",", skiprows=1).T

# %%
# What they see
# -------------

figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
panel.plot(angles.rad2deg(), true, "k:", label="Gay-Berne")
panel.plot(angles.rad2deg(), blind, label="NequIP")
panel.plot(angles.rad2deg(), seeing, label="NequIP with the density of ellipsoids")
panel.set(xlabel="angle (degrees)", ylabel="energy", xticks=range(0, 181, 45))
figure.legend(frameon=False, loc="outside upper center", ncols=3)

# %%
# The networks are small and were trained for half a minute. :doc:`/nequip` goes on to real training, packages
# and compiled models.
