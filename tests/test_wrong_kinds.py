"""Tensors, data and functions of the wrong kind are refused by the name of the argument."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from tqdm import tqdm

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.fitting import fit_linear, predict
from anisoap_e3nn.gay_berne import GayBerne, gay_berne_fluids, gay_berne_pairs
from anisoap_e3nn.geometry import to_body_frame
from anisoap_e3nn.graph import edge_vectors, edges_of, neighbor_list
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.nn import TensorProduct, TypeLinear
from anisoap_e3nn.potentials import PairPotential, StackedPotential, mechanics
from anisoap_e3nn.simulation import ForceField
from models_of_each_kind import frame

NO_TENSORS = [[[0.0] * 3], np.zeros((4, 3)), None, "pos", 3, torch.eye(3).to_sparse()]
NO_DATA = [[1, 2], np.zeros((4, 3)), "frame", torch.zeros(4, 3), {"pos": 1}, torch.nn.Identity()]


def five_tensors() -> dict[str, Any]:
    data = frame()
    edges = edges_of(data, 4.0)
    return {
        "edge_vectors": edges.edge_vectors,
        "edge_index": edges.edge_index,
        "types": data.types,
        "orientations": data.orientations,
        "semiaxes": data.semiaxes,
    }


LAYERS = {
    "embedding": lambda: AniSOAPEmbedding([6, 1], 4.0, 1, radial_gaussian_width=1.0),
    "gay-berne": lambda: GayBerne([6, 1], 4.0),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", list(five_tensors()))
@pytest.mark.parametrize("value", NO_TENSORS, ids=str)
def test_the_five_tensors(layer: str, name: str, value: Any) -> None:
    if value is None:
        return  # says which tensors are needed
    with pytest.raises(TypeError, match=rf"{name} is .*, expected a (tensor|dense one)"):
        LAYERS[layer]()(**(five_tensors() | {name: value}))


@pytest.mark.parametrize("name", list(five_tensors())[1:])
def test_one_of_the_five_is_missing(name: str) -> None:
    for build in LAYERS.values():
        with pytest.raises(TypeError, match=r"takes one EllipsoidData, or edge_vectors"):
            build()(**(five_tensors() | {name: None}))


@pytest.mark.parametrize("name", ["positions", "cell", "types", "batch"])
def test_neighbor_lists(name: str) -> None:
    data = frame()
    given = {"positions": data.pos, "cutoff": 2.0, "cell": 5 * torch.eye(3), "types": data.types}
    for value in (value for value in NO_TENSORS if value is not None):
        with pytest.raises(TypeError, match=rf"{name} is .*, expected a (tensor|dense one)"):
            neighbor_list(**(given | {name: value}))
    for batch in (torch.zeros(4), torch.zeros(4, dtype=torch.bool), torch.tensor([0, 0, 1])):
        with pytest.raises((TypeError, ValueError), match=r"batch (is|has)"):
            neighbor_list(**given, batch=batch)


@pytest.mark.parametrize("pbc", [[True, False], "xyz", [0.5] * 3, [2, 0, 0], None], ids=str)
def test_periodic_axes(pbc: Any) -> None:
    data = frame()
    with pytest.raises((TypeError, ValueError), match=r"pbc (is|has)"):
        neighbor_list(data.pos, 2.0, cell=torch.eye(3), pbc=[True, 3] if pbc is None else pbc)


@pytest.mark.parametrize("cutoff", ["2", None, [2.0], torch.ones(2), float("nan")], ids=str)
def test_cutoffs_of_searches(cutoff: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: neighbor_list(frame().pos, cutoff),
        lambda: edges_of(frame(), cutoff),
        lambda: frame().with_edges(cutoff),
    ]
    for call in calls:
        with pytest.raises((TypeError, ValueError), match=r"cutoff is .*, expected a finite"):
            call()


@pytest.mark.parametrize("value", [torch.tensor([float("nan")]), torch.tensor([-1.0]), "far"])
def test_cutoffs_of_stored_edges(value: Any) -> None:
    data = frame()
    fields = {name: data[name] for name in ("pos", "orientations", "semiaxes", "types")}
    with pytest.raises(ValueError, match=r"edge_cutoff is .*, expected a length > 0"):
        EllipsoidData(**fields, edge_cutoff=value)


@pytest.mark.parametrize("data", NO_DATA, ids=str)
def test_what_is_no_data(data: Any) -> None:
    pair = PairPotential([6, 1], 4.0)
    models: list[Callable[[Any], Any]] = [
        LAYERS["embedding"](),
        LAYERS["gay-berne"](),
        pair,
        StackedPotential([pair]),
        NequIPStylePotential([6, 1], 4.0, "2x0e", max_angular=1, max_radial=0, radial_layers=[4]),
        ForceField(pair),
        lambda data: mechanics(pair, data),
    ]
    for model in models:
        with pytest.raises(TypeError, match=r"data is .*, expected an EllipsoidData"):
            model(data)
    with pytest.raises(TypeError, match=r"frames\[0\] is .*, expected an EllipsoidData"):
        predict(pair, [data])


@pytest.mark.parametrize("wrapped", [list, tuple, iter, partial(tqdm, disable=True)])
def test_frames_may_come_from_any_iterable(wrapped: Any) -> None:
    """Progress bars have an attribute ``pos``, as a frame has."""
    model = PairPotential([6, 1], 4.0)
    energies = predict(model, wrapped([frame(), frame()])).energy
    assert torch.equal(energies, predict(model, [frame(), frame()]).energy)


@pytest.mark.parametrize("frames", [None, 3, "x", frame(), torch.zeros(3)], ids=str)
def test_what_is_no_list_of_frames(frames: Any) -> None:
    with pytest.raises(TypeError, match=r"frames is .*, expected a list of EllipsoidData"):
        predict(PairPotential([6, 1], 4.0), frames)
    with pytest.raises(TypeError, match=r"frames is .*, expected a list of EllipsoidData"):
        fit_linear(StackedPotential([PairPotential([6, 1], 4.0)]), frames)


@pytest.mark.parametrize("model", [None, 3, "pair.pt", torch.zeros(3)], ids=str)
def test_what_is_no_model(model: Any) -> None:
    with pytest.raises(TypeError, match=r"model is .*, expected a module or a function"):
        mechanics(model, frame())
    with pytest.raises(TypeError, match=r"potential is .*, expected a StackedPotential"):
        fit_linear(model, [frame()])


@pytest.mark.parametrize(
    "arguments",
    [
        {"n_frames": 1.0},
        {"n_particles": "64"},
        {"n_sweeps": None},
        {"density": "0.1"},
        {"temperature": [1.0]},
        {"potential": "rods"},
        {"semiaxes": 1.0},
        {"semiaxes": "123"},
        {"seed": 0.5},
        {"seed": 10**30},
        {"dtype": "float32"},
        {"dtype": torch.int64},
    ],
    ids=str,
)
def test_fluids(arguments: dict[str, Any]) -> None:
    (name,) = arguments
    with pytest.raises((TypeError, ValueError), match=rf"{name} is .*, expected"):
        gay_berne_fluids(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"epsilon": "1"},
        {"sigma": {}},
        {"well_depths": [None]},
        {"gamma": "1"},
        {"upsilon": [1.0]},
        {"upsilon": float("nan")},
        {"mu": None},
        {"sphere_types": 1},
        {"shift": "no"},
        {"smoothing_width": "1"},
        {"smoothing_width": float("nan")},
    ],
    ids=str,
)
def test_parameters_of_gay_berne(arguments: dict[str, Any]) -> None:
    (name,) = arguments
    with pytest.raises((TypeError, ValueError), match=rf"{name} is .*, expected"):
        GayBerne([0, 1], 4.0, **arguments)


def test_numbers_of_pairs() -> None:
    with pytest.raises(ValueError, match=r"found sizes=\(1, 2\)"):
        gay_berne_pairs(sizes=(1, 2))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"sizes\[0\] is 1.5"):
        gay_berne_pairs(sizes=(1.5, 1, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [2.5, None, "2y0e", torch.ones(3), [1.5], {"0e": 2}], ids=str)
def test_irreps(value: Any) -> None:
    calls: list[tuple[str, Callable[[], Any]]] = [
        ("irreps_in", lambda: PowerSpectrum(value)),
        ("irreps_in", lambda: TypeLinear(value, "0e")),
        ("irreps_in1", lambda: TensorProduct(value, "0e", "0e", [])),
        ("irreps_hidden", lambda: NequIPStylePotential([0], 4.0, value)),
    ]
    for name, call in calls:
        with pytest.raises((TypeError, ValueError), match=rf"{name} is .*, expected irreps"):
            call()


def test_vectors_that_do_not_fit() -> None:
    data = frame()
    with pytest.raises(ValueError, match=r"orientations are quaternions .* of shape \(\)"):
        to_body_frame(torch.ones(4, 3), torch.tensor(2.5))
    with pytest.raises(ValueError, match=r"vectors has shape \(3, 3\), expected \(4, 3\)"):
        to_body_frame(torch.ones(3, 3), data.orientations)
    with pytest.raises(ValueError, match=r"edge_index or batch has an index .* for 4 particles"):
        edge_vectors(data.pos, torch.tensor([[0, 9], [1, 0]]))
    with pytest.raises(ValueError, match=r"edge_shifts has shape \(1, 3\), expected \(2, 3\)"):
        edge_vectors(data.pos, torch.tensor([[0, 1], [1, 0]]), torch.zeros(1, 3), torch.eye(3))


@pytest.mark.parametrize("width", [np.int64(2), np.array(2), torch.tensor(2)], ids=str)
def test_integers_as_widths(width: Any) -> None:
    """NumPy refuses negative powers of them."""
    layer = AniSOAPEmbedding([0], 4.0, 1, radial_gaussian_width=width)
    assert layer.hyperparameters["radial_gaussian_width"] == 2.0
    assert type(layer.hyperparameters["radial_gaussian_width"]) is float


def test_values_without_bounds() -> None:
    with pytest.raises(ValueError, match=r"width is 1e-300, expected 1e-100 to 1e100"):
        AniSOAPEmbedding([0], 4.0, 1, radial_gaussian_width=1e-300)
    with pytest.raises(ValueError, match=r"density is 1e-300, expected a cube of at most"):
        gay_berne_fluids(density=1e-300)
    with pytest.raises(ValueError, match=r"channels is array"):
        PowerSpectrum("2x0e", channels=np.ones((2, 2)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"energies are NaN in torch.float32"):
        GayBerne([0], cutoff=1e18)(
            edge_vectors=torch.tensor([[1e17, 0, 0], [-1e17, 0, 0]]),
            edge_index=torch.tensor([[1, 0], [0, 1]]),
            types=torch.zeros(2, dtype=torch.int64),
            orientations=torch.eye(3).expand(2, 3, 3),
            semiaxes=torch.full((2, 3), 1e14),
        )


@pytest.mark.parametrize("shape", [(16,), (), (4, 5), (4, 3, 4)])
def test_orientations_of_another_shape(shape: tuple[int, ...]) -> None:
    for build in LAYERS.values():
        with pytest.raises(ValueError, match=r"orientations (have|has) shape"):
            build()(**(five_tensors() | {"orientations": torch.ones(shape)}))
