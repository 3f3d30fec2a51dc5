"""AniSOAP's loop over pairs, with its contraction in torch.

The loop builds the parameters and moments of one labelled pair after the other, as in
:mod:`benchmarks.baselines.per_pair_loop`. The harmonics, the sum over neighbours and the orthonormalisation
follow for all pairs at once, in torch. The result has no labels.
"""

import numpy as np
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding

from ..systems import System
from .per_pair_loop import PerPairLoop
from .torch_contraction import TorchContraction


class MixedLoop(PerPairLoop):
    """Expansion of one frame: parameters and moments pair by pair in NumPy, contraction in torch.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        Embedding with Gaussian-type orbitals and sorted types, without cutoff function and linear map.
    system : System
        One frame.
    """

    def __init__(self, embedding: AniSOAPEmbedding, system: System) -> None:
        super().__init__(embedding, system)
        self.contraction = TorchContraction(embedding)
        self.wanted = tuple(np.array(self.contraction.exponents).T)

    def __call__(self) -> Tensor:
        """Coefficients ``(N, irreps_coefficients.dim)`` in the order of the embedding."""
        sums = self.contraction.empty_sums(self.n_particles)
        for key, block in self.neighbors.items():
            type_index = self.types.index(int(key["second_atom_type"]))
            compiled = self.moments[self.neighbors.keys.position(key)]
            moments, segments = [], []
            for k, sample in enumerate(block.samples):
                found = self.moments_of_pair(sample, block.values[k], compiled[k])
                moments.append(found[self.wanted])
                center = self.frame_starts[sample["system"]] + sample["first_atom"]
                segments.append(center * len(self.types) + type_index)
            stacked = torch.from_numpy(np.array(moments))  # -> [pair, moment]
            pairs = self.contraction.of_pairs(stacked.T)
            sums.index_add_(0, torch.from_numpy(np.array(segments)), pairs)
        return self.contraction.orthonormalized(sums)
