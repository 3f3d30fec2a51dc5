"""AniSOAP's interface against AniSOAP's figures, finite differences and autograd."""

import re
from typing import Any

import ase.neighborlist
import numpy as np
import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.conventions import wiki_to_e3nn
from anisoap_e3nn.graph import edge_vectors, neighbor_list
from anisoap_e3nn.interop.anisoap import EllipsoidalDensityProjection
from anisoap_frames import numerical_gradients, random_frame, reference_frames
from common import REFERENCE_FILES, Reference

pytest.importorskip("metatensor", reason="metatensor is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:In quaternion mode:UserWarning")
COEFFICIENT_FILES = [path for path in REFERENCE_FILES if not path.stem.startswith("power_spectrum")]
SPECTRUM_FILES = [path for path in REFERENCE_FILES if path.stem.startswith("power_spectrum")]


def starts(reference: Reference) -> np.ndarray:
    n = reference.arrays["n_particles"].numpy()
    return np.cumsum(n) - n


@pytest.mark.parametrize("path", COEFFICIENT_FILES, ids=lambda path: path.stem)
def test_coefficients_of_anisoap(path: Any) -> None:
    reference = Reference.load(path)
    calculator = EllipsoidalDensityProjection(**reference.hypers, rotation_key="c_q")
    found = calculator.transform(reference_frames(reference))
    assert found.keys.names == ["types_center", "angular_channel"]
    types = reference.arrays["types"].numpy()
    tolerance = 1e-10 if path.stem == "gto_high_degree" else 1e-12
    seen = 0
    for key, block in found.items():
        assert block.samples.names == ["type", "center"]
        assert block.components[0].names == ["spherical_component_m"]
        assert block.properties.names == ["n", "neighbor_types"]
        l = key["angular_channel"]
        assert block.components[0].values[:, 0].tolist() == list(range(-l, l + 1))
        rows = starts(reference)[block.samples["type"]] + block.samples["center"]
        assert (reference.arrays["numbers"].numpy()[rows] == key["types_center"]).all()
        t = np.searchsorted(types, block.properties["neighbor_types"])
        theirs = reference.arrays[f"coefficients_l{l}"].numpy()  # -> [particle, type, n, m]
        expected = theirs[rows][:, t, block.properties["n"]].transpose(0, 2, 1)
        assert block.values.shape == expected.shape
        assert abs(block.values - expected).max() <= tolerance * abs(theirs).max()
        seen += block.values.size
    assert seen == sum(
        array.numel() for name, array in reference.arrays.items() if "coefficients" in name
    )


@pytest.mark.parametrize("path", SPECTRUM_FILES, ids=lambda path: path.stem)
def test_power_spectrum_of_anisoap(path: Any) -> None:
    reference = Reference.load(path)
    frames = reference_frames(reference)
    calculator = EllipsoidalDensityProjection(**reference.hypers, rotation_key="c_q")
    found = calculator.power_spectrum(frames, mean_over_samples=False)
    assert found.keys.names == ["order_nu", "angular_channel", "types_center"]
    types = reference.arrays["types"].numpy()
    assert found.keys.values.tolist() == [[2, 0, t] for t in types]
    means = []
    for block in found.blocks():
        assert block.components[0].names == ["spherical_harmonics_m"]
        assert block.properties.names == [
            "n_1_a", "neighbor_types_1_a", "k_2", "n_1_b", "neighbor_types_1_b", "l_2"
        ]  # fmt: skip
        rows = starts(reference)[block.samples["type"]] + block.samples["center"]
        columns = np.asarray(block.properties.values)
        for k, (n_a, type_a, l_a, n_b, type_b, l_b) in enumerate(columns):
            assert l_a == l_b
            theirs = reference.arrays[f"power_spectrum_l{l_a}"].numpy()
            a, b = np.searchsorted(types, [type_a, type_b])
            expected = theirs[rows, a, n_a, b, n_b]
            assert abs(block.values[:, 0, k] - expected).max() <= 1e-12 * abs(theirs).max()
        systems = block.samples["type"]
        means.append([block.values[systems == s, 0].mean(axis=0) for s in range(len(frames))])
    expected = np.concatenate(means, axis=1)
    mean = calculator.power_spectrum(frames)
    assert mean.shape == expected.shape
    np.testing.assert_allclose(mean, expected, rtol=1e-13, atol=1e-13 * abs(expected).max())


SCRIPT = """
from anisoap.representations import EllipsoidalDensityProjection
from anisoap.utils import ClebschGordanReal, cg_combine, standardize_keys

calculator = EllipsoidalDensityProjection(**AniSOAP_HYPERS)
power_spectrum = calculator.power_spectrum(frames, mean_over_samples=True)
order_one = standardize_keys(calculator.transform(frames))
order_two = cg_combine(
    order_one, order_one, clebsch_gordan=ClebschGordanReal(AniSOAP_HYPERS["max_angular"]),
    lcut=0, other_keys_match=["types_center"],
)
"""


@pytest.mark.parametrize("path", SPECTRUM_FILES, ids=lambda path: path.stem)
def test_a_script_runs_after_changing_the_import(path: Any) -> None:
    reference = Reference.load(path)
    frames = reference_frames(reference)
    hypers = {**reference.hypers, "rotation_key": "c_q"}
    names: dict[str, Any] = {"frames": frames, "AniSOAP_HYPERS": hypers}
    changed = re.sub(r"anisoap\.(representations|utils)", "anisoap_e3nn.interop.anisoap", SCRIPT)
    assert changed.count("anisoap_e3nn") == 2
    exec(changed, names)
    types, max_angular = reference.arrays["types"].tolist(), hypers["max_angular"]
    theirs = [reference.arrays[f"power_spectrum_l{l}"].numpy() for l in range(max_angular + 1)]
    n_features = sum(array[0].size for array in theirs)
    spectrum = names["power_spectrum"]
    assert spectrum.shape == (len(frames), len(types) * n_features)
    assert [block.values.shape[1:] for block in names["order_two"].blocks()] == [
        (1, n_features)
    ] * len(types)
    # the sum of all invariants, in whatever order, over the particles of one type in one frame
    ends = np.cumsum(reference.arrays["n_particles"].numpy())
    numbers = reference.arrays["numbers"].numpy()
    for row, (start, end) in zip(spectrum, zip(starts(reference), ends, strict=True), strict=True):
        for found, type_ in zip(np.split(row, len(types)), types, strict=True):
            chosen = np.arange(start, end)[numbers[start:end] == type_]
            if len(chosen) == 0:
                assert not found.any()
                continue
            expected = np.concatenate([array[chosen].mean(0).ravel() for array in theirs])
            scale = abs(expected).max()
            np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-11 * scale)


def dense(tensor_map: Any, n_particles: int) -> np.ndarray:
    """All values of a map of one frame ``(particle, value)``, the centre types one over another."""
    rows = []
    for center_type in np.unique(tensor_map.keys.column("types_center")):
        selected = [b for k, b in tensor_map.items() if k["types_center"] == center_type]
        atoms = np.asarray(selected[0].samples.values)[:, 1]
        flat = np.concatenate([b.values.reshape(len(atoms), -1) for b in selected], axis=1)
        rows += list(zip(atoms, flat, strict=True))
    assert len(rows) == n_particles
    return np.array([values for _, values in sorted(rows, key=lambda row: row[0])])


def dense_gradients(tensor_map: Any, n_particles: int) -> np.ndarray:
    """The gradients in the same way ``(moving particle, 3, particle, value)``."""
    result: dict[int, np.ndarray] = {}
    sizes: dict[int, int] = {}
    for center_type in np.unique(tensor_map.keys.column("types_center")):
        column = 0
        for key, block in tensor_map.items():
            if key["types_center"] != center_type:
                continue
            gradient = block.gradient("positions")
            assert gradient.samples.names == ["sample", "system", "atom"]
            assert gradient.components[0].names == ["xyz"]
            flat = gradient.values.reshape(len(gradient.samples), 3, -1)
            for sample, values in zip(np.asarray(gradient.samples.values), flat, strict=True):
                atom = block.samples.values[sample[0]][1]
                assert sample[1] == block.samples.values[sample[0]][0]
                row = result.setdefault(int(atom), np.zeros((n_particles, 3, 4096)))
                row[sample[2], :, column : column + flat.shape[-1]] = values
            column += flat.shape[-1]
        sizes[int(center_type)] = column
    assert len(set(sizes.values())) == 1
    stacked = np.array([result[atom] for atom in range(n_particles)])
    return stacked[..., :column].transpose(1, 2, 0, 3)


@pytest.fixture
def frame() -> Any:
    """Small enough a box that particles see their own images; periodic along two axes."""
    return random_frame(np.random.default_rng(4), [1, 6, 6, 1, 6], box=3.4, pbc=[True, False, True])


HYPERS = {
    "gto": {"radial_basis_name": "gto", "radial_gaussian_width": 1.3},
    "monomial": {"radial_basis_name": "monomial"},
}


def smooth_cutoff(frame: Any, cutoff: float) -> None:
    """No neighbour may cross the cutoff when particles move a little."""
    near = ase.neighborlist.neighbor_list("d", frame, cutoff + 0.02)
    assert not ((near > cutoff - 0.02) & (near < cutoff + 0.02)).any()


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("basis", HYPERS)
def test_gradients_are_those_of_finite_differences(frame: Any, basis: str, normalize: bool) -> None:
    hypers = {"max_angular": 3, "cutoff_radius": 3.7, "rotation_key": "c_q", **HYPERS[basis]}
    smooth_cutoff(frame, 3.7)
    calculator = EllipsoidalDensityProjection(**hypers, compute_gradients=True)
    found = calculator.transform([frame], normalize=normalize)
    plain = EllipsoidalDensityProjection(**hypers)
    assert plain.transform([frame]).block(0).gradients_list() == []

    def values(frame: Any) -> np.ndarray:
        return dense(plain.transform([frame], normalize=normalize), len(frame))

    expected = numerical_gradients(values, frame)
    error = abs(dense_gradients(found, len(frame)) - expected).max()
    assert error <= 1e-9 * abs(expected).max()


def test_gradients_are_those_of_autograd(frame: Any) -> None:
    hypers = {"max_angular": 3, "cutoff_radius": 3.7, "rotation_key": "c_q", **HYPERS["gto"]}
    calculator = EllipsoidalDensityProjection(**hypers, compute_gradients=True)
    found = calculator.transform([random_frame(np.random.default_rng(9), [6, 1]), frame])
    embedding = AniSOAPEmbedding([1, 6], 3.7, 3, radial_gaussian_width=1.3).double()
    cell, pbc = torch.tensor(frame.cell.array), torch.tensor(frame.pbc)
    types, q = torch.tensor(frame.numbers), torch.tensor(frame.arrays["c_q"])
    diameters = np.stack([frame.arrays[f"c_diameter[{k}]"] for k in (1, 2, 3)], axis=1)
    positions = torch.tensor(frame.positions)
    edge_index, shifts = neighbor_list(positions, 3.7, cell=cell, pbc=pbc)

    def coefficients(positions: torch.Tensor) -> torch.Tensor:
        vectors = edge_vectors(positions, edge_index, shifts, cell)
        return embedding(vectors, edge_index, types, q, torch.tensor(diameters / 2))

    jacobian = torch.autograd.functional.jacobian(coefficients, positions).numpy()
    for key, block in found.items():
        l = key["angular_channel"]
        gradient = block.gradient("positions")
        sample, system, moving = np.asarray(gradient.samples.values).T
        center = np.asarray(block.samples.values)[sample, 1]
        second = system == 1  # the other frame is there to have something before this one
        columns = embedding.irreps_out.slices()[l]
        theirs = jacobian[center[second], columns][
            np.arange(second.sum()), :, moving[second]
        ]  # -> [pair, coefficient, 3]
        theirs = theirs.reshape(len(theirs), -1, 2 * l + 1, 3)
        theirs = np.einsum("pcme,mk->pekc", theirs, wiki_to_e3nn(l).numpy())
        error = abs(gradient.values[second] - theirs).max()
        assert error <= 1e-12 * abs(theirs).max()
        assert np.array_equal(np.unique(sample), np.arange(len(block.samples)))


def test_gradients_of_the_power_spectrum(frame: Any) -> None:
    hypers = {"max_angular": 2, "cutoff_radius": 3.7, "rotation_key": "c_q", **HYPERS["gto"]}
    calculator = EllipsoidalDensityProjection(**hypers, compute_gradients=True)
    plain = EllipsoidalDensityProjection(**hypers)
    found = calculator.power_spectrum([frame], mean_over_samples=False)

    def values(frame: Any) -> np.ndarray:
        return dense(plain.power_spectrum([frame], mean_over_samples=False), len(frame))

    expected = numerical_gradients(values, frame)
    error = abs(dense_gradients(found, len(frame)) - expected).max()
    assert error <= 1e-9 * abs(expected).max()
    metatensor = pytest.importorskip("metatensor")
    mean = metatensor.mean_over_samples(found, "center")  # its gradients are understood
    assert mean.block(0).gradients_list() == ["positions"]


def test_no_gradients_where_nothing_moves() -> None:
    alone = random_frame(np.random.default_rng(5), [6], box=3.0)  # sees only its own images
    hypers = {"max_angular": 1, "cutoff_radius": 4.0, "rotation_key": "c_q", **HYPERS["gto"]}
    found = EllipsoidalDensityProjection(**hypers, compute_gradients=True).transform([alone])
    for block in found.blocks():
        assert block.gradient("positions").values.shape[0] == 0
    assert abs(found.block(1).values).max() > 0 or abs(found.block(0).values).max() > 0
