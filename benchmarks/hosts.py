"""Time of a training step inside nequip or MACE: ``python -m benchmarks.hosts nequip``, or ``mace``.

Run it in the environment of the host (``make test-nequip`` and ``make test-mace`` make them). One thread,
float32, periodic fluids of Gay-Berne ellipsoids in one batch, networks of two layers with l ≤ 2. A step is
energies, forces and torques, and the backward pass to the weights. Times are medians of interleaved runs. The
embedding is timed by itself with first and second derivatives, as the loss on forces and torques needs them.
"""

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.graph import edges_of
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import mechanics

from .timing import interleaved_medians

CUTOFF = 3.0
EMBEDDING = {
    "max_angular": 6,
    "max_radial": 4,
    "radial_gaussian_width": 0.4,
    "density_width": 0.6,
}
Step = Callable[[], Any]


def step_of(model: torch.nn.Module, evaluate: Callable[[], dict[str, Any]]) -> Step:
    """A training step: outputs, a loss on those that there are, its gradient."""

    def step() -> None:
        out = evaluate()
        names = [name for name in ("energy", "total_energy", "forces", "torques") if name in out]
        sum(out[name].square().mean() for name in names).backward()
        model.zero_grad()

    return step


def ours(model: torch.nn.Module, batch: Any) -> Step:
    return step_of(model, lambda: mechanics(model, batch, create_graph=True)._asdict())


def embedding_alone(batch: Any) -> Step:
    """The embedding with the derivatives of a training step."""
    embedding = AniSOAPEmbedding(
        [0], CUTOFF, **EMBEDDING, cutoff_function="polynomial", include_self="separate"
    )
    edges = edges_of(batch, CUTOFF)
    vectors = edges.edge_vectors.detach().requires_grad_()
    orientations = batch.orientations.clone().requires_grad_()

    def step() -> None:
        c = embedding(vectors, edges.edge_index, batch.types, orientations, batch.semiaxes)
        cotangent = torch.ones_like(c, requires_grad=True)
        first = torch.autograd.grad(c, (vectors, orientations), cotangent, create_graph=True)
        loss = sum(gradient.square().sum() for gradient in first)
        torch.autograd.grad(loss, (vectors, orientations, cotangent))

    return step


def inside_nequip(frames: list[EllipsoidData], channels: int, compiled: bool) -> dict[str, Step]:
    from nequip.data import AtomicDataDict, from_dict
    from nequip.data.transforms import NeighborListTransform
    from nequip.model import NequIPGNNModel
    from nequip.model.modify_utils import modify
    from nequip.utils.global_state import set_global_state

    from anisoap_e3nn.interop.nequip import AniSOAPNequIPModel

    set_global_state()
    search = NeighborListTransform(r_max=CUTOFF)
    data = AtomicDataDict.batched_from_list(
        [
            search(
                from_dict(
                    {
                        "pos": frame.pos.double(),
                        "cell": frame.cell[0].double(),
                        "pbc": frame.pbc[0],
                        "atom_types": frame.types,
                        "orientations": frame.orientations.double(),
                        "semiaxes": frame.semiaxes.double(),
                    }
                )
            )
            for frame in frames
        ]
    )
    common: dict[str, Any] = {
        "seed": 1,
        "model_dtype": "float32",
        "type_names": ["E"],
        "r_max": CUTOFF,
        "num_layers": 2,
        "l_max": 2,
        "parity": False,
        "num_features": channels,
        "radial_mlp_depth": 2,
        "radial_mlp_width": 64,
        "avg_num_neighbors": 30.0,
        "per_type_energy_scales": 1.0,
        "per_type_energy_shifts": -2.0,
    }

    def density(edges: bool, mode: str = "eager") -> Any:
        return AniSOAPNequIPModel(
            **common, embedding=EMBEDDING, edge_orientations=edges, compile_mode=mode
        )

    def faster(model: Any) -> Any:
        return modify(model, [{"modifier": "enable_SparseProducts"}])

    models = {
        "nequip": NequIPGNNModel(**common),
        "nequip, sparse products": faster(NequIPGNNModel(**common)),
        "nequip, 3 layers": NequIPGNNModel(**{**common, "num_layers": 3}),
        "nequip, 3 layers, sparse products": faster(NequIPGNNModel(**{**common, "num_layers": 3})),
        "nequip + density": density(False),
        "nequip + density, sparse products": faster(density(False)),
        "nequip + density and oriented edges": density(True),
        "nequip + density and oriented edges, sparse products": faster(density(True)),
    }
    if compiled:  # each of them takes minutes
        models |= {
            "nequip, compiled": NequIPGNNModel(**common, compile_mode="compile"),
            "nequip + density, compiled": density(False, "compile"),
            "nequip + density and oriented edges, compiled": density(True, "compile"),
        }
    return {
        name: step_of(model, lambda model=model: model.train()(dict(data)))
        for name, model in models.items()
    }


def inside_mace(frames: list[EllipsoidData], channels: int) -> dict[str, Step]:
    import numpy as np
    from ase import Atoms
    from e3nn import o3
    from mace import data, modules
    from mace.tools import AtomicNumberTable, torch_geometric

    from anisoap_e3nn.interop.mace import AniSOAPScaleShiftMACE

    arrays = ("orientations", "semiaxes")
    keys = data.KeySpecification(info_keys={}, arrays_keys={name: name for name in arrays})
    graphs = []
    for frame in frames:
        atoms = Atoms("X" * len(frame.pos), frame.pos.numpy(), cell=frame.cell[0].numpy(), pbc=True)
        for name in arrays:
            atoms.set_array(name, frame[name].numpy())
        configuration = data.config_from_atoms(atoms, key_specification=keys)
        graphs.append(
            data.AtomicData.from_config(
                configuration, z_table=AtomicNumberTable([0]), cutoff=CUTOFF
            )
        )
    batch = torch_geometric.Batch.from_data_list(graphs).to_dict()
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    common: dict[str, Any] = {
        "r_max": CUTOFF,
        "num_bessel": 8,
        "num_polynomial_cutoff": 5,
        "max_ell": 2,
        "interaction_cls": block,
        "interaction_cls_first": block,
        "num_interactions": 2,
        "num_elements": 1,
        "hidden_irreps": o3.Irreps([(channels, (l, (-1) ** l)) for l in range(3)]),
        "MLP_irreps": o3.Irreps(f"{channels}x0e"),
        "atomic_energies": np.array([-2.0]),
        "avg_num_neighbors": 30.0,
        "atomic_numbers": [0],
        "correlation": 3,
        "gate": torch.nn.functional.silu,
        "atomic_inter_scale": 1.0,
        "atomic_inter_shift": 0.0,
        "radial_MLP": [64, 64],
    }

    def density(edges: bool) -> Any:
        return AniSOAPScaleShiftMACE(**common, embedding=EMBEDDING, edge_orientations=edges)

    models = {
        "MACE": modules.ScaleShiftMACE(**common),
        "MACE + density": density(False),
        "MACE + density and oriented edges": density(True),
    }
    return {
        name: step_of(model, lambda model=model: model(dict(batch), training=True))
        for name, model in models.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("host", choices=("nequip", "mace"))
    parser.add_argument("--particles", type=int, default=256)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="nequip's compiled steps too")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="The TorchScript type system doesn't support")
    torch.set_num_threads(1)
    frames = gay_berne_fluids(2, options.particles, n_sweeps=5, seed=0)
    batch = Batch.from_data_list(frames).with_edges(CUTOFF)
    torch.manual_seed(0)
    irreps = f"{options.channels}x0e + {options.channels}x1o + {options.channels}x2e"
    steps = {"embedding, with derivatives": embedding_alone(batch)}
    if options.host == "nequip":
        steps |= inside_nequip(frames, options.channels, options.compile)
        for name, edges in (("NequIP-style, plain edges", False), ("NequIP-style", True)):
            style = NequIPStylePotential([0], CUTOFF, irreps, edge_orientations=edges)
            steps[name] = ours(style.float(), batch)
    else:
        steps |= inside_mace(frames, options.channels)
        mace_style = MACEStylePotential([0], CUTOFF, options.channels, 2, 2, n_layers=2)
        steps["MACE-style"] = ours(mace_style.float(), batch)
    medians = interleaved_medians(steps, options.rounds)
    alone = medians["embedding, with derivatives"]
    n_edges = batch.edge_index.shape[1]
    print(f"torch {torch.__version__}, {batch.num_nodes} particles, {n_edges} edges, float32\n")
    print("| step | ms | embedding's share |\n| --- | --- | --- |")
    for name, seconds in medians.items():
        share = f"{100 * alone / seconds:.1f} %" if "density" in name or "style" in name else ""
        print(f"| {name} | {1e3 * seconds:.0f} | {share} |")


if __name__ == "__main__":
    main()
