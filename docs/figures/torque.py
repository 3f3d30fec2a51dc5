"""Energy of a particle that turns beside another, and its torque."""

import torch
from matplotlib import pyplot as plt
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import triaxial_gay_berne
from anisoap_e3nn.potentials import mechanics

torch.set_default_dtype(torch.float64)
angles = torch.linspace(0, torch.pi, 121)
frames = [
    EllipsoidData(
        pos=[[0.0, 0.0, 0.0], [1.9, 0.6, 0.0]],
        orientations=[[1.0, 0.0, 0.0, 0.0], [(a / 2).cos(), 0.0, 0.0, (a / 2).sin()]],
        semiaxes=[[1.0, 0.5, 0.75]] * 2,
        types=[0, 0],
    )
    for a in angles
]
result = mechanics(triaxial_gay_berne(cutoff=4.0), Batch.from_data_list(frames))
torque = result.torques.view(-1, 2, 3)[:, 1, 2]  # of the second particle about z
slope = -torch.gradient(result.energy, spacing=(angles,))[0]

figure, panel = plt.subplots(figsize=(6.4, 3.4))
panel.plot(angles.rad2deg(), result.energy, "C0", label="energy")
panel.plot(angles.rad2deg(), torque, "C3", label="torque about z")
panel.plot(angles.rad2deg()[::6], slope[::6], "k.", markersize=5, label="−dE/dθ, from differences")
panel.axhline(0, color="0.8", zorder=0)
panel.set(xlabel="angle of the second particle (degrees)", xticks=range(0, 181, 45))
panel.legend(frameon=False)
