"""
What rotations do to the features
=================================

A system of three ellipsoids is turned about an axis. We watch its features: coefficients turn like vectors
and tensors, and the power spectrum does not change.
"""

import torch
from e3nn import o3
from matplotlib import pyplot as plt

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.geometry import rotation_matrices

torch.set_default_dtype(torch.float64)

# %%
# The system and its features
# ---------------------------

pos = torch.tensor([[0.0, 0, 0], [1.5, 0.5, 0], [-0.4, 1.2, 1.0]])
orientations = rotation_matrices(torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 1]]))
semiaxes = torch.tensor([[0.3, 0.5, 0.9]] * 3)

embedding = AniSOAPEmbedding([0], cutoff=3.0, max_angular=3, radial_gaussian_width=0.7)
spectrum = PowerSpectrum(embedding.irreps_out, l_max=0)
print(embedding.irreps_out)


def features(R: torch.Tensor) -> torch.Tensor:
    """Features of the first particle, in the system that is turned by R."""
    turned = EllipsoidData(pos @ R.T, R @ orientations, semiaxes, types=[0, 0, 0])
    return embedding(turned)[0].detach()


# %%
# Turn it
# -------
#
# One full turn about an axis that is none of the coordinate axes.

axis = torch.nn.functional.normalize(torch.tensor([1.0, 2.0, 0.5]), dim=0)
angles = torch.linspace(0, 2 * torch.pi, 73)
rotations = o3.axis_angle_to_matrix(axis.expand(len(angles), 3), angles)
x = torch.stack([features(R) for R in rotations])  # -> [angle, coefficient]

figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), sharex=True, layout="constrained")
degrees = angles.rad2deg()
vector = x[:, embedding.irreps_out.slices()[1]][:, :3]  # the first 1o
panels[0].plot(degrees, vector, label=["x", "y", "z"])
panels[0].plot(degrees, vector.norm(dim=1), "k--", label="length")
panels[0].set_title("coefficients of l = 1")
panels[1].plot(degrees, x[:, embedding.irreps_out.slices()[2]][:, :5])
panels[1].set_title("coefficients of l = 2")
panels[2].plot(degrees, spectrum(x))
panels[2].set_title("power spectrum")
panels[0].legend(frameon=False, fontsize=8)
for panel in panels:
    panel.set(xlabel="angle (degrees)", xticks=[0, 90, 180, 270, 360])

# %%
# Known in advance
# ----------------
#
# The features of the turned system are those of the first one, times e3nn's matrix of the rotation. So a
# network of e3nn that starts from them is equivariant.

D = embedding.irreps_out.D_from_matrix(rotations)  # -> [angle, coefficient, coefficient]
predicted = torch.einsum("aij,j->ai", D, x[0])
print(f"largest deviation: {(predicted - x).abs().max():.0e}")
assert torch.allclose(predicted, x)

# %%
# Symmetric particles
# -------------------
#
# An ellipsoid looks the same after half a turn about any of its axes. Therefore only even l can tell how a
# particle in the centre is turned: its own density has no odd coefficients.

alone = AniSOAPEmbedding([0], 3.0, 3, radial_gaussian_width=0.7, include_self="separate")
print(alone.irreps_out, "with own density apart, of even l only")
