"""What scripts written for AniSOAP do, and what they are told when they do it wrong."""

import warnings
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.interop.anisoap import (
    ClebschGordanReal,
    EllipsoidalDensityProjection,
    cg_combine,
    standardize_keys,
)
from anisoap_frames import random_frame, turned, with_ellipsoids

metatensor = pytest.importorskip("metatensor", reason="metatensor is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:In quaternion mode:UserWarning")

SHARED = Path(__file__).parents[3] / "shared" / "data"
HYPERS = {
    "max_angular": 4,
    "max_radial": 2,
    "radial_basis_name": "gto",
    "rotation_type": "quaternion",
    "rotation_key": "c_q",
    "cutoff_radius": 4.0,
    "radial_gaussian_width": 1.5,
    "basis_rcond": 1e-8,
    "basis_tol": 1e-3,
}


def crystals() -> list[ase.Atoms]:
    rng = np.random.default_rng(7)
    return [random_frame(rng, [0] * 2, box=4.5), random_frame(rng, [0] * 3, box=6.0)]


def assert_invariant(hypers: dict[str, Any], frames: list[ase.Atoms]) -> np.ndarray:
    calculator = EllipsoidalDensityProjection(**hypers)
    spectrum = calculator.power_spectrum(frames)
    assert np.ptp(spectrum, axis=0).max() > 1e-3 * abs(spectrum).max()
    moved, rotated, swapped = [], [], []
    for frame in frames:
        moved.append(frame.copy())
        moved[-1].positions += [2.0, 2.0, 2.0]
        rotated.append(turned(frame, Rotation.from_quat([1, 2, 0, -3])))
        swapped.append(frame[np.random.default_rng(2).permutation(len(frame))])
    for others in (moved, rotated, swapped):
        np.testing.assert_allclose(
            calculator.power_spectrum(others), spectrum, rtol=0, atol=1e-11 * abs(spectrum).max()
        )
    # orientations alone are no symmetry
    for frame in rotated:
        frame.arrays["c_q"][:] = [1, 0, 0, 0]
    assert not np.allclose(calculator.power_spectrum(rotated), spectrum, rtol=1e-3)
    return spectrum


def test_the_flow_of_the_first_example() -> None:
    frames = crystals()
    features = 3 * 3 * 5  # n, n' and l
    assert assert_invariant(HYPERS, frames).shape == (2, features)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data is absent")
def test_the_flow_of_the_first_example_on_its_own_crystals() -> None:
    frames = ase.io.read(SHARED / "ellipsoids.xyz", "0:2")
    for frame in frames:
        for k, diameter in enumerate([3.0, 3.0, 1.0], start=1):
            frame.arrays[f"c_diameter[{k}]"] = np.ones(len(frame)) * diameter
    hypers = {**HYPERS, "max_angular": 5, "max_radial": 3, "cutoff_radius": 7.0, "basis_tol": 1e-4}
    assert assert_invariant(hypers, frames).shape == (2, 6 * 16)


def test_the_converter_understands_it() -> None:
    from anisoap_e3nn.interop.metatensor import metatensor_to_e3nn  # imports metatensor at once

    rng = np.random.default_rng(6)
    frames = [random_frame(rng, [1, 6, 6]), random_frame(rng, [6])]
    calculator = EllipsoidalDensityProjection(**HYPERS, compute_gradients=True)
    irreps, x = metatensor_to_e3nn(calculator.transform(frames))
    embedding = AniSOAPEmbedding([1, 6], 4.0, 4, 2, radial_gaussian_width=1.5).double()
    assert irreps == embedding.irreps_out
    start = 0
    for frame in frames:
        diameters = np.stack([frame.arrays[f"c_diameter[{k}]"] for k in (1, 2, 3)], axis=1)
        data = EllipsoidData(
            pos=torch.tensor(frame.positions),
            orientations=torch.tensor(frame.arrays["c_q"]),
            semiaxes=torch.tensor(diameters / 2),
            types=torch.tensor(frame.numbers),
            cell=torch.tensor(frame.cell.array),
            pbc=frame.pbc,
        )
        expected = embedding(data)
        found = torch.as_tensor(x[start : start + len(frame)])
        atol = 1e-13 * float(expected.abs().max())
        torch.testing.assert_close(found, expected, rtol=0, atol=atol)
        start += len(frame)


def test_the_power_spectrum_by_hand() -> None:
    """The flow of the older notebooks."""
    frames = crystals()
    calculator = EllipsoidalDensityProjection(**HYPERS)
    nu1 = standardize_keys(calculator.transform(frames, show_progress=True))
    assert nu1.keys.names == ["order_nu", "types_center", "angular_channel"]
    assert nu1.property_names == ["n_1", "neighbor_types_1"]
    assert metatensor.equal(standardize_keys(nu1), nu1)
    nu2 = cg_combine(
        nu1,
        nu1,
        clebsch_gordan=ClebschGordanReal(4),
        lcut=0,
        other_keys_match=["types_center"],
    )
    mean = metatensor.mean_over_samples(nu2, sample_names="center")
    x = np.hstack([block.values.squeeze() for block in mean.blocks()])
    calculator = EllipsoidalDensityProjection(**HYPERS, compute_gradients=True)
    found = calculator.power_spectrum(frames, show_progress=False, rust_moments=False)
    np.testing.assert_allclose(found, x, rtol=1e-13, atol=1e-13 * abs(x).max())


def test_every_frame_has_a_row() -> None:
    rng = np.random.default_rng(3)
    frames = [random_frame(rng, numbers, box=3.5) for numbers in ([1, 6, 6], [], [6], [1])]
    frames[3].pbc = False  # alone
    calculator = EllipsoidalDensityProjection(**HYPERS, subtract_center_contribution=True)
    found = calculator.power_spectrum(frames)
    size = 5 * 36  # l and all pairs of two types × three n
    assert found.shape == (4, 2 * size)
    assert found[0, :size].any()
    assert found[0, size:].any()
    assert not found[[1, 3]].any()
    assert not found[2, :size].any()  # no centre of type 1
    assert found[2, size:].any()
    alone = EllipsoidalDensityProjection(**HYPERS).power_spectrum(frames[2:3])
    assert alone.shape == (1, 5 * 9)
    first = calculator.power_spectrum(frames[:1])
    np.testing.assert_allclose(first, found[:1], rtol=1e-12, atol=1e-13 * abs(found).max())


def test_many_frames_are_split_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    frames = [random_frame(rng, [1] * n) for n in (3, 0, 2, 4, 1)]
    calculator = EllipsoidalDensityProjection(**HYPERS, compute_gradients=True)
    whole = calculator.transform(frames)
    monkeypatch.setattr("anisoap_e3nn.interop.anisoap.frames._PARTICLES_AT_ONCE", 5)
    parts = calculator.transform(frames)
    metatensor.allclose_raise(parts, whole, rtol=1e-12, atol=1e-14)
    assert whole.block(0).samples["type"].tolist() == [0] * 3 + [2] * 2 + [3] * 4 + [4]


def test_a_frame_may_be_periodic_along_some_axes() -> None:
    frame = random_frame(np.random.default_rng(8), [1, 6], box=3.0, pbc=[True, False, False])
    chain = ase.Atoms()
    quaternions, diameters = [], []
    for k in range(-2, 3):
        image = frame.copy()
        image.positions += k * frame.cell[0]
        chain += ase.Atoms(image.numbers, image.positions)
        quaternions.append(frame.arrays["c_q"])
        diameters.append(np.stack([frame.arrays[f"c_diameter[{i}]"] for i in (1, 2, 3)], axis=1))
    with_ellipsoids(chain, np.concatenate(quaternions), np.concatenate(diameters))
    calculator = EllipsoidalDensityProjection(**HYPERS)
    periodic, open_ = calculator.transform([frame]), calculator.transform([chain])
    for (_, one), (_, other) in zip(periodic.items(), open_.items(), strict=True):
        np.testing.assert_allclose(one.values[0], other.values[2], rtol=1e-12, atol=1e-13)


def test_orientations_in_either_spelling() -> None:
    frame = crystals()[1]
    spectrum = EllipsoidalDensityProjection(**HYPERS).power_spectrum([frame])
    q = frame.arrays["c_q"]
    frame.arrays["c_q"] = -3 * q
    np.testing.assert_allclose(
        EllipsoidalDensityProjection(**HYPERS).power_spectrum([frame]), spectrum, rtol=1e-12
    )
    frame.arrays["R"] = Rotation.from_quat(q[:, [1, 2, 3, 0]]).as_matrix()
    hypers = {**HYPERS, "rotation_key": "R", "rotation_type": "matrix"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calculator = EllipsoidalDensityProjection(**hypers, device="cpu")
        np.testing.assert_allclose(calculator.power_spectrum([frame]), spectrum, rtol=1e-12)


@pytest.mark.parametrize("basis", ["gto", "monomial"])
def test_orthonormalisation_is_a_step_of_its_own(basis: str) -> None:
    frames = [random_frame(np.random.default_rng(1), [1, 6, 6])]
    hypers = {**HYPERS, "radial_basis_name": basis}
    if basis == "monomial":
        del hypers["radial_gaussian_width"]
    calculator = EllipsoidalDensityProjection(**hypers, compute_gradients=True)
    raw = calculator.transform(frames, normalize=False)
    before = raw.copy() if basis == "gto" else None
    done = calculator.radial_basis.orthonormalize_basis(raw)
    assert done is raw
    metatensor.allclose_raise(done, calculator.transform(frames), rtol=1e-11, atol=1e-11)
    assert before is None or not metatensor.allclose(before, done)
    assert calculator.num_ns == calculator.radial_basis.get_num_radial_functions() == [3] * 5


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"radial_basis_name": "nonsense"}, NotImplementedError,
         "nonsense is not an implemented basis. Try 'monomial' or 'gto'"),
        ({"radial_basis_name": "monomial"}, ValueError,
         "Gaussian width can only be provided with GTO basis"),
        ({"radial_gaussian_width": None}, ValueError,
         "Gaussian width must be provided with GTO basis"),
        ({"radial_gaussian_width": 9}, ValueError,
         "radial_gaussian_width is set as an integer, which could cause overflow errors. "
         "Pass in float."),
        ({"cutoff_radius": 5}, ValueError,
         "r_cut is set as an integer, which could cause overflow errors. Pass in float"),
        ({"rotation_type": "quaternions"}, ValueError,
         "We have only implemented transforming quaternions (`quaternion`) and rotation matrices "
         "(`matrix`)."),
        ({"max_radial": [1, 2, 3]}, ValueError,
         "If you specify a list of number of radial components, this list must be of length 5. "
         "Received 3."),
        ({"max_radial": "nonsense"}, ValueError,
         "`max_radial` must be None, int, or list of int"),
        ({"max_radial": [1, "nonsense", 2, 1, 0]}, ValueError,
         "`max_radial` must be None, int, or list of int"),
    ],
)  # fmt: skip
def test_mistakes_are_named_in_anisoaps_words(
    changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        EllipsoidalDensityProjection(**{**HYPERS, **changed})
    assert str(caught.value) == message


def test_frames_that_lack_something() -> None:
    calculator = EllipsoidalDensityProjection(**HYPERS)
    good, bad = crystals()
    for name in ("c_q", "c_diameter[2]"):
        frame = bad.copy()
        del frame.arrays[name]
        message = rf"^frame at index 1 is missing a required attribute '{name}'$"
        with pytest.raises(ValueError, match=message.replace("[2]", r"\[2\]")):
            calculator.power_spectrum([good, frame])
    with pytest.raises(KeyError, match=r"c_diameter\[2\]"):
        calculator.transform([good, frame])
    bad.arrays["quaternion"] = bad.arrays["c_q"]
    with pytest.raises(ValueError, match=r"^frame should contain c_q rather than quaternion$"):
        calculator.power_spectrum([good, bad])
    del bad.arrays["c_q"]
    words = "^Frame 1 does not have rotations stored, this may cause errors down the line.$"
    with pytest.warns(UserWarning, match=words):
        found = calculator.transform([good, bad])
    bad.arrays["c_q"] = np.tile([1.0, 0, 0, 0], (len(bad), 1))
    metatensor.allclose_raise(found, calculator.transform([good, bad]))
    for compute in (calculator.transform, calculator.power_spectrum):
        with pytest.raises(TypeError, match="expected a sequence: put it in a list"):
            compute(good)
    for nothing in ([], [ase.Atoms()]):
        with pytest.raises(ValueError, match=f"found no particles in {len(nothing)} frames"):
            calculator.transform(nothing)
    good.arrays["c_q"][0] = 0
    with pytest.raises(ValueError, match="zero norm"):
        calculator.transform([good])


def test_radial_functions_that_are_nearly_dependent() -> None:
    hypers = {**HYPERS, "max_radial": 9, "basis_tol": 1e-9}
    calculator = EllipsoidalDensityProjection(**hypers)
    with pytest.raises(ValueError, match=r"^Incurred Numerical Imprecision .* basis_tol=1e-09"):
        calculator.transform(crystals())
    calculator.transform(crystals(), normalize=False)
    EllipsoidalDensityProjection(**{**hypers, "basis_tol": 1e-3}).transform(crystals())


def test_defaults_are_those_of_anisoap() -> None:
    """The frames and hyperparameters of AniSOAP's own tests, its default rcond and tolerance."""
    hypers = {"max_angular": 10, "radial_basis_name": "gto", "radial_gaussian_width": 5.0}
    hypers["cutoff_radius"] = 1.0
    frames = [ase.Atoms("X"), ase.Atoms("XO", [np.zeros(3), np.ones(3)])]
    for frame in frames:
        frame.arrays["quaternion"] = [[1, 0, 0, 0] for _ in frame]
        for k, diameter in enumerate([1, 1, 2], start=1):
            frame.arrays[f"c_diameter[{k}]"] = [diameter for _ in frame]
    with pytest.warns(UserWarning, match=r"quaternions are assumed to be in \(w,x,y,z\) format"):
        calculator = EllipsoidalDensityProjection(**hypers)
    found = calculator.transform(frames)
    assert [len(block.samples) for block in found.blocks()] == [2] * 11 + [1] * 11
    assert calculator.num_ns == [6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
