"""Message-passing networks on the density of ellipsoids.

:class:`NequIPStylePotential` and :class:`MACEStylePotential` are ready to train. To write a network of your
own, subclass :class:`MessagePassingPotential`:

1. Accept ``**options`` in the constructor and pass them on: they are the common hyperparameters.
2. Add the constructor's other arguments to `hyperparameters`, so that the network can be saved.
3. Build the layers. They start from features of `irreps_features`, which tell what a particle is itself; the
   method `build_convolution` makes messages of features.
4. Write :meth:`~MessagePassingPotential.network`, from features to one number for each particle. The energy
   of the density around it (:class:`DensityEnergy`) is added by itself.

A network with one convolution and a linear readout for each type, and forces from it:

>>> from anisoap_e3nn import EllipsoidData
>>> from anisoap_e3nn.networks import MessagePassingPotential
>>> from anisoap_e3nn.nn import TypeLinear
>>> from anisoap_e3nn.potentials import mechanics
>>> class OneConvolution(MessagePassingPotential):
...     def __init__(self, types, cutoff, n_channels=8, **options):
...         super().__init__(types, cutoff, f"{n_channels}x0e + {n_channels}x1o", **options)
...         self.hyperparameters |= {"n_channels": n_channels}
...         self.convolution = self.build_convolution(self.irreps_features, "0e")
...         self.readout = TypeLinear(self.convolution.irreps_out, "1x0e", len(self.types))
...
...     def network(self, h, type_index, edge_index, edges):
...         messages = self.convolution(h, edge_index, edges, self.n_neighbors)
...         return self.readout(messages, type_index).squeeze(1)
>>> potential = OneConvolution([1, 6], cutoff=4.0, max_angular=3)
>>> pair = EllipsoidData(
...     pos=[[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]],
...     orientations=[[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]],
...     semiaxes=[[0.5, 0.5, 1.0], [0.5, 0.5, 1.0]],
...     types=[6, 1],
... )
>>> potential(pair).shape
torch.Size([2])
>>> mechanics(potential, pair).forces.shape
torch.Size([2, 3])

Call :meth:`~MessagePassingPotential.standardize` on training data before the first step.
:func:`~anisoap_e3nn.potentials.save_model` writes the network if its class is defined at the top level of a
module, with ``allow=[OneConvolution]`` unless its package has registered itself.
"""

from .convolution import Convolution
from .density_energy import DensityEnergy
from .edge_features import EdgeEncoding, EdgeFeatures
from .mace_style import MACEStylePotential
from .message_passing import MessagePassingPotential
from .neighbor_encoding import NeighborEncoding
from .nequip_style import NequIPStylePotential
from .options import MessagePassingOptions
from .particle_encoding import ParticleEncoding
from .standardization import Standardization

__all__ = [
    "Convolution",
    "DensityEnergy",
    "EdgeEncoding",
    "EdgeFeatures",
    "MACEStylePotential",
    "MessagePassingOptions",
    "MessagePassingPotential",
    "NeighborEncoding",
    "NequIPStylePotential",
    "ParticleEncoding",
    "Standardization",
]
