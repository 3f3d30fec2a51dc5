"""
Benzene, atoms and ellipsoids
=============================

Each molecule of benzene becomes an ellipsoid. The views are interactive: drag to turn, scroll to come near,
and click on a point of the map to see its dimer.
"""

from pathlib import Path

import ase
import chemiscope
import numpy as np
import torch
from ase.data.s22 import create_s22_system, get_interaction_energy_s22x5

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.conventions import wxyz_to_xyzw
from anisoap_e3nn.data import EllipsoidMapping
from anisoap_e3nn.geometry import matrices_to_quaternions, rotation_matrices

torch.set_default_dtype(torch.float64)

# %%
# Two dimers at five distances
# ----------------------------
#
# The S22x5 set has the stacked and the T-shaped dimer of benzene. ``EllipsoidMapping`` finds the molecules
# and gives all of them one shape, with room for the van der Waals spheres of the atoms. It wants the atoms of
# all molecules in one order, which is another one in either dimer; so there are two mappings.

NAMES = ("Benzene_dimer_parallel_displaced", "Benzene_dimer_T-shaped")
dimers = [(name, stretch) for name in NAMES for stretch in (0.9, 1.0, 1.2, 1.5, 2.0)]
atoms = [create_s22_system(*dimer) for dimer in dimers]
mappings = {name: EllipsoidMapping(shape="van-der-waals") for name in NAMES}
ellipsoids = [mappings[name](each) for (name, _), each in zip(dimers, atoms, strict=True)]
print(ellipsoids[0])
print("semi-axes in Å:", ellipsoids[0].semiaxes[0].numpy().round(2))

# %%
# chemiscope wants an ellipsoid as a quaternion (x, y, z, w) and semi-axes.


def as_shapes(data: EllipsoidData) -> list[dict[str, list[float]]]:
    """What chemiscope needs to draw each ellipsoid."""
    quaternions = wxyz_to_xyzw(matrices_to_quaternions(rotation_matrices(data.orientations)))
    return [
        {"position": p.tolist(), "orientation": q.tolist(), "semiaxes": a.tolist()}
        for p, q, a in zip(data.pos, quaternions, data.semiaxes, strict=True)
    ]


drawn = [as_shapes(each) for each in ellipsoids]
molecules = {
    f"molecule {k + 1}": {
        "kind": "ellipsoid",
        "parameters": {"global": {"color": color}, "structure": [shapes[k] for shapes in drawn]},
    }
    for k, color in enumerate(("#4c9be8", "#f2a65a"))
}

# %%
# One molecule is drawn as an ellipsoid, the other one by its atoms; the menu of the view draws either. The
# invariants of a molecule tell the dimers apart. As a number: how far they are from those of a
# molecule that is alone, where only its own density is left.

embedding = AniSOAPEmbedding(
    [0], cutoff=12.0, max_angular=6, radial_gaussian_width=2.0, cutoff_function="polynomial"
)
spectrum = PowerSpectrum(embedding.irreps_out, l_max=0)
alone = ellipsoids[0].clone()
alone.pos = torch.tensor([[0.0, 0, 0], [50.0, 0, 0]])
lonely = spectrum(embedding(alone))[0]
change = [
    float((spectrum(embedding(each))[0] - lonely).norm() / lonely.norm()) for each in ellipsoids
]

properties = {
    "distance of the centres": {
        "target": "structure",
        "values": [float((each.pos[1] - each.pos[0]).norm()) for each in ellipsoids],
        "units": "Å",
    },
    "interaction energy": {
        "target": "structure",
        "values": [1000 * get_interaction_energy_s22x5(*dimer) for dimer in dimers],
        "units": "meV",
    },
    "change of the invariants": {"target": "structure", "values": change},
    "dimer": {"target": "structure", "values": [name.split("_", 2)[2] for name, _ in dimers]},
}
settings = chemiscope.quick_settings(
    x="distance of the centres",
    y="interaction energy",
    map_color="change of the invariants",
    structure_settings={"shape": ["molecule 2"]},  # the first one shows its atoms
)
settings["map"]["symbol"] = "dimer"
# sphinx_gallery_thumbnail_path = "benzene_view.png"
chemiscope.show(atoms, properties=properties, shapes=molecules, settings=settings)

# %%
# The liquid
# ----------
#
# 64 molecules of the liquid at 300 K, from the data of :doc:`the story of liquid benzene <../../benzene>`.

stored = np.load(Path("../../examples/benzene/liquid.npz"))
liquid = EllipsoidData(
    pos=stored["positions"][0],
    orientations=stored["quaternions"][0],
    semiaxes=ellipsoids[0].semiaxes[:1].expand(64, 3),
    types=[0] * 64,
    cell=stored["cell"] * np.eye(3),
    pbc=True,
)
disks = {
    "disks": {
        "kind": "ellipsoid",
        "parameters": {"global": {"color": "#4c9be8"}, "atom": as_shapes(liquid)},
    }
}
box = ase.Atoms("C64", liquid.pos.numpy(), cell=liquid.cell[0].numpy(), pbc=True)
chemiscope.show(
    [box],
    shapes=disks,
    mode="structure",
    settings=chemiscope.quick_settings(
        structure_settings={"shape": ["disks"], "atoms": False, "unitCell": True}
    ),
)
