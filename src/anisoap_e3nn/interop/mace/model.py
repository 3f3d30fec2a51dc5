"""MACE with the density of ellipsoids as its first layer."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from e3nn import o3
from mace.modules import ScaleShiftMACE
from torch import Tensor

from ...arguments import one_of
from ...geometry import torques_of_gradient
from ..ellipsoid_features import (
    EllipsoidFeatures,
    ShapeFeatures,
    refuse_unknown_hyperparameters,
)
from ..random_numbers import own_random_numbers
from .embeddings import (
    DensityEnergyTerm,
    EllipsoidNodeEmbedding,
    EllipsoidRadialEmbedding,
    GraphReader,
    MeasuredReader,
)


class AniSOAPScaleShiftMACE(ScaleShiftMACE):  # type: ignore[misc]
    r"""MACE on ellipsoids: energies, forces, torques, virials and stress.

    .. math::
        \tau_i = -\frac{\partial E}{\partial \theta_i}, \qquad R_i \to e^{[\theta_i]_\times} R_i

    in the space frame. Strain turns no orientation. Interactions, products and readouts are MACE's. The
    embedding of elements is replaced by :class:`EllipsoidNodeEmbedding`, and the energy of the density around
    each particle is added (:class:`DensityEnergyTerm`). The data have the arrays
    ``orientations`` ``(N, 4)``, quaternions (w, x, y, z) from body to space, and ``semiaxes`` ``(N, 3)``.

    Parameters
    ----------
    node_embedding : {"anisoap", "shape"}
        First features of the particles: the density around them, or as baseline their shape tensors alone.
    embedding : dict, optional
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    edge_orientations : bool
        Whether edges know how their two ellipsoids lie, by :class:`EllipsoidRadialEmbedding`.
    embedding_specs
        Ignored: MACE reads the arrays by it, but would also multiply quaternions by weights.
    **options
        As for MACE's ``ScaleShiftMACE``.
    """

    def __init__(
        self,
        *,
        node_embedding: str = "anisoap",
        embedding: dict[str, Any] | None = None,
        edge_orientations: bool = True,
        embedding_specs: Any = None,
        **options: Any,
    ) -> None:
        one_of("node_embedding", node_embedding, ("anisoap", "shape"))
        refuse_unknown_hyperparameters(embedding or {})
        super().__init__(**{**options, "use_embedding_readout": False})
        r_max = float(options["r_max"])
        n_channels = o3.Irreps(options["hidden_irreps"]).count("0e")
        wanted = [(n_channels, (l, (-1) ** l)) for l in range(options["max_ell"] + 1)]
        n_types, irreps = options["num_elements"], o3.Irreps(wanted)
        features = (
            ShapeFeatures(n_types, irreps)
            if node_embedding == "shape"
            else EllipsoidFeatures(n_types, r_max, irreps, **(embedding or {}))
        )
        self.node_embedding = EllipsoidNodeEmbedding(features)
        if node_embedding == "anisoap":
            self.pair_repulsion_fn = DensityEnergyTerm(getattr(self, "pair_repulsion_fn", None))
            self.pair_repulsion = True
        if edge_orientations:
            radial = self.get_submodule("radial_embedding")
            self.radial_embedding = EllipsoidRadialEmbedding(radial, r_max)
        self._rebuild_interactions()

    @own_random_numbers()
    def _rebuild_interactions(self) -> None:
        """Let the interactions take our features.

        One change at a time, so that the weights are those behind any other features, where shapes are equal.
        """
        of_edges = o3.Irreps([(self.radial_embedding.out_dim, "0e")])
        for i, interaction in enumerate(self.interactions):
            if of_edges != interaction.edge_feats_irreps:
                self.interactions[i] = _rebuilt(interaction, edge_feats_irreps=of_edges)
        of_particles = self.node_embedding.irreps_out
        for n in range(2, len(of_particles) + 1):  # MACE's own are the scalars
            first = self.interactions[0]
            self.interactions[0] = _rebuilt(first, node_feats_irreps=of_particles[:n])

    def forward(
        self,
        data: dict[str, Tensor],
        training: bool = False,
        compute_force: bool = True,
        compute_virials: bool = False,
        compute_stress: bool = False,
        compute_displacement: bool = False,
        **others: Any,
    ) -> dict[str, Tensor | None]:
        """Compute energies and their derivatives.

        Parameters
        ----------
        data : dict
            MACE's data of a batch.
        training : bool
            Whether the derivatives can be differentiated again.
        compute_force : bool
            Whether forces and torques are computed.
        compute_virials, compute_stress, compute_displacement : bool
            Any of them adds virials and stress.

        Returns
        -------
        dict
            MACE's results, and ``torques`` ``(N, 3)``.

        Raises
        ------
        NotImplementedError
            For Hessians, forces of edges, stresses of atoms and LAMMPS' ML-IAP.
        """
        unknown = [name for name, wanted in others.items() if wanted]
        if unknown:
            raise NotImplementedError(
                f"found {', '.join(unknown)}, which is not computed for ellipsoids; expected energies, "
                "forces, torques, virials and stress"
            )
        strained = compute_virials or compute_stress or compute_displacement
        data = dict(data)  # MACE writes strained positions into it
        leaves = [data["positions"].requires_grad_(), data["orientations"].requires_grad_()]
        with self._reading(data):
            out: dict[str, Tensor | None] = super().forward(
                data, training=training, compute_force=False, compute_displacement=strained
            )
        energy, displacement = out["interaction_energy"], out["displacement"]
        if energy is None or displacement is None or not (compute_force or strained):
            return out
        gradients = torch.autograd.grad(
            [energy.sum()],
            [*leaves, displacement] if strained else leaves,
            create_graph=training,
        )
        out["forces"] = -gradients[0]  # -> [particle, 3]
        out["torques"] = torques_of_gradient(leaves[1], gradients[1])  # -> [particle, 3]
        if strained:
            out["virials"] = -gradients[2]  # -> [frame, 3, 3]
            out["stress"] = _per_volume(gradients[2], data["cell"])  # -> [frame, 3, 3]
        return out

    @torch.no_grad()
    def measure(self, graphs: Iterable[dict[str, Tensor]]) -> None:
        """Set the scales of the first features from batches of training data."""
        graphs = list(graphs)
        for reader in self._readers():
            if isinstance(reader, MeasuredReader):
                reader.measure(graphs)

    def _readers(self) -> list[GraphReader]:
        return [module for module in self.children() if isinstance(module, GraphReader)]

    @contextmanager
    def _reading(self, data: dict[str, Tensor]) -> Iterator[None]:
        for reader in self._readers():
            reader.graph = data
        try:
            yield
        finally:
            for reader in self._readers():
                reader.graph = {}


def _rebuilt(interaction: Any, **changes: o3.Irreps) -> Any:
    """An interaction of other irreps, else the same; parameters of unchanged shape are kept."""
    default_edges = interaction.edge_irreps == interaction.node_feats_irreps
    arguments = {
        "node_attrs_irreps": interaction.node_attrs_irreps,
        "node_feats_irreps": interaction.node_feats_irreps,
        "edge_attrs_irreps": interaction.edge_attrs_irreps,
        "edge_feats_irreps": interaction.edge_feats_irreps,
        "target_irreps": interaction.target_irreps,
        "hidden_irreps": interaction.hidden_irreps,
        "avg_num_neighbors": interaction.avg_num_neighbors,
        "edge_irreps": None if default_edges else interaction.edge_irreps,
        "radial_MLP": interaction.radial_MLP,
        "cueq_config": interaction.cueq_config,
        "oeq_config": interaction.oeq_config,
    }
    rebuilt = type(interaction)(**{**arguments, **changes})
    before = dict(interaction.named_parameters())
    for name, parameter in rebuilt.named_parameters():
        if name in before and before[name].shape == parameter.shape:
            parameter.data = before[name].data
    return rebuilt


def _per_volume(d_strain: Tensor, cell: Tensor) -> Tensor:
    """Derivatives over the cells' volumes; zero without a volume."""
    volume = torch.linalg.det(cell.view(-1, 3, 3)).abs()[:, None, None]  # -> [frame, 1, 1]
    stress = d_strain / torch.where(volume > 0, volume, torch.ones_like(volume))
    return torch.where(volume > 0, stress, torch.zeros_like(stress))
