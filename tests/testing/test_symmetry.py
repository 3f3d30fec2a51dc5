"""Every broken symmetry is found, under its own operation and no other."""

from collections.abc import Callable

import pytest
import torch
from e3nn import o3
from torch import Tensor
from torch_geometric.data import Batch

import faulty_models as faulty
from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.potentials import Mechanics
from anisoap_e3nn.testing import OPERATIONS, check_equivariance


@pytest.mark.parametrize(
    ("term", "kind", "found_under", "not_under", "occasion"),
    [
        (faulty.height, "open", "translations", ["half turns", "permutations"], "a translation"),
        (
            faulty.alignment_with_the_lab,
            "periodic",
            "rotations",
            ["translations", "images", "permutations", "half turns"],
            "a rotation",
        ),
        (
            faulty.chirality,
            "open",
            "reflections",
            ["rotations", "translations", "permutations", "half turns"],
            "an inversion",
        ),
        (
            faulty.heads_and_tails,
            "slab",
            "half turns",
            ["rotations", "reflections", "translations", "images", "permutations"],
            "half turns",
        ),
        (
            faulty.norms_of_quaternions,
            "open",
            "half turns",
            ["rotations", "reflections", "translations", "permutations"],
            "half turns",
        ),
        (
            faulty.unshifted_vectors,
            "periodic",
            "images",
            ["rotations", "reflections", "translations", "permutations", "half turns"],
            "moves by lattice vectors",
        ),
        (
            faulty.places_in_the_list,
            "open",
            "permutations",
            ["rotations", "reflections", "translations", "half turns"],
            "a permutation",
        ),
    ],
)
def test_energies_that_are_not_invariant(
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    term: Callable[[EllipsoidData], Tensor],
    kind: str,
    found_under: str,
    not_under: list[str],
    occasion: str,
) -> None:
    data, wrong = frames[kind], faulty.Plus(model, term)
    assert check_equivariance(model, data) < 1e-10
    assert check_equivariance(wrong, data, operations=not_under) < 1e-10
    with pytest.raises(AssertionError, match=f"^after {occasion}, .* tolerance 1e-10; "):
        check_equivariance(wrong, data, operations=[found_under])
    with pytest.raises(AssertionError, match=r"^after .* a deviation of .* tolerance 1e-10"):
        check_equivariance(wrong, data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, _: {"torques": x.torques + 1e-6 * x.forces}, r"after an inversion, torques\["),
        (lambda x, _: {"forces": x.forces + 1e-6 * x.torques}, r"after an inversion, forces\["),
        (lambda x, _: {"torques": x.torques.square()}, r"after a rotation, torques\["),
        (lambda x, _: {"virial": x.virial.triu()}, r"after a rotation, virial\[0, "),
        (lambda x, _: {"stress": x.stress * torch.eye(3)}, r"after a rotation, stress\[0, "),
        (lambda x, data: {"energy": data.pos[:1, 0]}, r"after a rotation, energy\[0\]"),
    ],
    ids=["polar torques", "axial forces", "no vector", "no tensor", "pressure", "energy"],
)
def test_derivatives_that_turn_otherwise(
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    change: Callable[[Mechanics, EllipsoidData], dict[str, Tensor]],
    message: str,
) -> None:
    data = frames["slab"]
    assert check_equivariance(faulty.WithDerivatives(model, lambda *_: {}), data) < 1e-10
    with pytest.raises(AssertionError, match=message):
        check_equivariance(faulty.WithDerivatives(model, change), data)


def test_features_of_other_irreps(frames: dict[str, EllipsoidData]) -> None:
    embedding = AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.2)
    irreps = embedding.irreps_out
    batch = Batch.from_data_list([frames["slab"], frames["open"]])
    assert check_equivariance(embedding, batch, irreps_out=irreps) < 1e-12
    assert check_equivariance(embedding, batch, irreps_out=str(irreps)) < 1e-12
    other_parity = o3.Irreps([(mul, (ir.l, -ir.p if ir.l == 1 else ir.p)) for mul, ir in irreps])
    turn = ["rotations"]
    assert check_equivariance(embedding, batch, irreps_out=other_parity, operations=turn) < 1e-12
    with pytest.raises(AssertionError, match=r"after an inversion, features.*do parities match"):
        check_equivariance(embedding, batch, irreps_out=other_parity)
    other_order = irreps[::-1]
    with pytest.raises(AssertionError, match="after a rotation, features"):
        check_equivariance(embedding, batch, irreps_out=other_order)
    with pytest.raises(
        AssertionError, match=r"shape \(13, \d+\), expected \(13, 3\) for irreps_out=1x1o"
    ):
        check_equivariance(embedding, batch, irreps_out="1o")
    with pytest.raises(ValueError, match="one for each particle"):
        check_equivariance(embedding, batch)


def test_d_matrices_are_exact_whatever_the_default_dtype(frames: dict[str, EllipsoidData]) -> None:
    embedding = AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.2)
    torch.set_default_dtype(torch.float32)
    assert check_equivariance(embedding, frames["slab"], irreps_out=embedding.irreps_out) < 1e-12
    assert torch.get_default_dtype() == torch.float32


def test_batches_with_edges_and_other_fields(
    frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    """Edges and fields of particles follow them, within their frames."""
    for data in frames.values():
        data.charges = torch.randn(len(data.pos), generator=generator)
    batch = Batch.from_data_list(list(frames.values())).with_edges(5.0)

    def screened(data: EllipsoidData) -> Tensor:  # reads the given edges
        r = faulty.edges_of(data, 5.0).edge_vectors.norm(dim=1)
        neighbors, centers = data.edge_index
        terms = data.charges[neighbors] * data.charges[centers] * torch.exp(-r) * (5 - r) ** 3
        return torch.zeros_like(data.pos[:, 0]).index_add(0, centers, terms / 2)

    assert check_equivariance(screened, batch, generator=generator) < 1e-10


def test_operations(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    assert check_equivariance(model, frames["open"], operations=[]) == 0
    assert check_equivariance(model, frames["open"], operations=["images"]) == 0  # there are none
    with pytest.raises(ValueError, match=r"expected some of .*'rotations'.*: {'mirrors'}"):
        check_equivariance(model, frames["open"], operations=["mirrors"])
    assert len(set(OPERATIONS)) == 6


@pytest.mark.parametrize("seed", range(4))
def test_two_particles_are_always_exchanged(seed: int) -> None:
    pair = EllipsoidData([[0.0, 0, 0], [0, 0, 1]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 1]] * 2, [6, 6])
    random = torch.Generator().manual_seed(seed)
    with pytest.raises(AssertionError, match="after a permutation"):
        check_equivariance(
            faulty.places_in_the_list, pair, operations=["permutations"], generator=random
        )
