"""
From featomic to e3nn
=====================

featomic describes atoms by spherical expansions, in the layout of metatensor. One call makes them input of a
network of e3nn. To see that the conversion is right we rotate a molecule.
"""

import ase.build
import featomic
import numpy as np
import torch
from e3nn import o3
from matplotlib import pyplot as plt
from scipy.spatial.transform import Rotation

from anisoap_e3nn import metatensor_to_e3nn

torch.set_default_dtype(torch.float64)  # for e3nn's matrices, to be as exact as the features

# %%
# Features of featomic
# --------------------

expansion = featomic.SphericalExpansion(
    cutoff={"radius": 4.0, "smoothing": {"type": "ShiftedCosine", "width": 0.5}},
    density={"type": "Gaussian", "width": 0.4},
    basis={"type": "TensorProduct", "max_angular": 3, "radial": {"type": "Gto", "max_radial": 2}},
)
molecule = ase.build.molecule("CH3CH2OH")
tensor_map = expansion.compute(molecule)
print(tensor_map.keys)

# %%
# One tensor
# ----------
#
# A block for each type of centre, type of neighbour and l has become one row for each atom.

irreps, x = metatensor_to_e3nn(tensor_map)
print(irreps, tuple(x.shape))

# %%
# Rotate the molecule
# -------------------
#
# SciPy makes the rotation, ASE has the turned positions, featomic describes them again, and e3nn says what
# should come out.

R = Rotation.from_euler("xyz", [0.3, -1.1, 2.0]).as_matrix()
turned = molecule.copy()
turned.positions = molecule.positions @ R.T
found = metatensor_to_e3nn(expansion.compute(turned))[1]
D = irreps.D_from_matrix(torch.tensor(R))
expected = x @ D.T
print(f"largest deviation: {(found - expected).abs().max():.0e}")

# %%
# Without the change of the basis it would be wrong. metatensor orders l = 1 as y, z, x; here are the
# coefficients of l = 1 as they are, rotated as if they were vectors x, y, z:

block = tensor_map.block(o3_lambda=1, center_type=6, neighbor_type=1)
turned_block = expansion.compute(turned).block(o3_lambda=1, center_type=6, neighbor_type=1)
naive = np.einsum("ij,ajn->ain", R, block.values)

figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained")
of_l1 = irreps.slices()[[ir.l for _, ir in irreps].index(1)]
cases = (
    ("converted", expected[:, of_l1].flatten(), found[:, of_l1].flatten()),
    ("taken as x, y, z", naive.ravel(), turned_block.values.ravel()),
)
for panel, (title, predicted, computed) in zip(panels, cases, strict=True):
    panel.axline((0, 0), slope=1, color="0.7", zorder=0)
    panel.plot(predicted, computed, ".", markersize=4)
    panel.set(title=title, xlabel="rotated by e3nn's matrix", ylabel="of the rotated molecule")

# %%
# A network on it
# ---------------

layer = o3.Linear(irreps, "16x0e + 8x1o")
print(layer(x).shape)
