"""Features in files are those of the layer."""

import json
from pathlib import Path

import ase.build
import ase.io
import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

import anisoap_e3nn
from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.cli import featurize
from anisoap_e3nn.data import coarse_grain, read_ellipsoids
from featurized_files import EXPANSION, HYPERPARAMETERS, leftovers, load, run

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data is absent")


@pytest.mark.parametrize("suffix", ["npz", "pt"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", [False, True])
def test_features_are_those_of_the_layer(
    tmp_path, capsys, source, suffix, dtype, given, monkeypatch
):
    monkeypatch.setattr(featurize, "_BATCH_SIZE", 10)  # several batches
    output = tmp_path / f"out.{suffix}"
    types = ["--types", 6, 1] if given else []
    code, printed = run(capsys, source, "-o", output, *EXPANSION, "--dtype", dtype, *types)
    assert (code, printed.err) == (0, "")
    found = load(output)
    real = {"float32": torch.float32, "float64": torch.float64}[dtype]
    embedding = AniSOAPEmbedding([6, 1] if given else [1, 6], **HYPERPARAMETERS).to(real)
    frames = read_ellipsoids(source, dtype=real)
    pairs = sum(data.with_edges(4.0).num_edges for data in frames)
    expected = torch.cat([embedding(data) for data in frames]).detach().numpy()
    assert found["features"].dtype == dtype
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found["features"], expected, atol=tolerance * abs(expected).max())
    assert found["n_particles"].tolist() == [5, 8, 1, 6, 7]
    assert found["types"].tolist() == torch.cat([data.types for data in frames]).tolist()
    assert str(found["irreps"]) == str(embedding.irreps_out)
    assert list(found["channels"]) == list(embedding.channels)
    assert str(found["version"]) == anisoap_e3nn.__version__
    again = AniSOAPEmbedding(**json.loads(str(found["hyperparameters"])))
    assert again.hyperparameters == embedding.hyperparameters
    for line in ("frames     5", "particles  27", f"pairs      {pairs} within 4", "time ", "MB"):
        assert line in printed.out
    assert leftovers(tmp_path) == []


def test_several_widths_and_the_own_density_apart(tmp_path, capsys, source):
    output = tmp_path / "out.pt"
    options = "--cutoff 3 --max-angular 2 --radial-gaussian-width 0.5 1.5 --include-self separate"
    code, _ = run(capsys, source, "-o", output, *options.split())
    assert code == 0
    found = json.loads(load(output)["hyperparameters"])
    assert (found["radial_gaussian_width"], found["include_self"]) == ([0.5, 1.5], "separate")


def test_every_option_reaches_the_layer(tmp_path, capsys, source):
    output = tmp_path / "out.pt"
    options = "--cutoff 3 --max-angular 2 --max-radial 2 1 0 --radial-basis monomial --rcond 1e-6 "
    options += "--cutoff-function shifted_cosine --include-self no --density-width 0.5 "
    options += "--semiaxes 6:1,2,3 1:0.5 --threads 1 "
    options += "--quaternion-order xyzw --space-to-body --stored-sizes semiaxes --pbc T F T"
    code, _ = run(capsys, source, "-o", output, *options.split())
    assert code == 0
    found = load(output)
    assert json.loads(found["hyperparameters"]) == {
        "types": [1, 6],
        "cutoff": 3.0,
        "max_angular": 2,
        "max_radial": [2, 1, 0],
        "radial_basis": "monomial",
        "radial_gaussian_width": None,
        "rcond": 1e-6,
        "cutoff_function": "shifted_cosine",
        "include_self": False,
        "irreps_out": None,
        "per_center_type": False,
        "density_width": 0.5,
    }
    frames = read_ellipsoids(
        source,
        semiaxes={6: [1, 2, 3], 1: 0.5},
        quaternion_order="xyzw",
        space_to_body=True,
        pbc=[True, False, True],
        dtype=torch.float64,
    )
    embedding = AniSOAPEmbedding(**json.loads(found["hyperparameters"])).double()
    expected = embedding(Batch.from_data_list(frames)).numpy()
    np.testing.assert_allclose(found["features"], expected, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("name", ["in.lammpstrj", "in.gsd"])
def test_other_formats_give_the_same_features(tmp_path, capsys, source, name):
    atoms = ase.io.read(source, index=1)
    q, sizes = atoms.arrays["c_q"], np.stack([atoms.arrays[f"c_diameter{k}"] for k in "123"], -1)
    other = tmp_path / name
    if name.endswith("gsd"):
        gsd = pytest.importorskip("gsd.hoomd")
        frame = gsd.Frame()
        frame.configuration.box = [6, 6, 6, 0, 0, 0]
        frame.particles.N = len(atoms)
        frame.particles.position, frame.particles.orientation = atoms.positions, q
        frame.particles.types = [str(k) for k in range(len(atoms))]
        frame.particles.typeid = range(len(atoms))  # each its own type, for its own size
        a = sizes / 2
        frame.particles.type_shapes = [
            {"type": "Ellipsoid", **dict(zip("abc", row, strict=True))} for row in a.tolist()
        ]
        with gsd.open(other, "w") as file:
            file.append(frame)
        types = "--types", *range(len(atoms))
    else:
        columns = [v.tolist() for v in (atoms.numbers, atoms.positions, q, sizes)]
        rows = [
            " ".join(map(repr, [k + 1, z, *x, *p, *a]))
            for k, (z, x, p, a) in enumerate(zip(*columns, strict=True))
        ]
        other.write_text(
            "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n8\n"
            "ITEM: BOX BOUNDS pp pp pp\n0 6\n0 6\n0 6\n"
            "ITEM: ATOMS id type x y z c_q[1] c_q[2] c_q[3] c_q[4] shapex shapey shapez\n"
            + "\n".join(rows)
        )
        types = ()
    output = tmp_path / "out.npz"
    code, printed = run(capsys, other, "-o", output, *EXPANSION, *types)
    assert code == 0, printed.err
    found = load(output)
    data = read_ellipsoids(source, dtype=torch.float64)[1]
    data.pbc = torch.ones_like(data.pbc)
    if name.endswith("gsd"):
        data.types = torch.arange(8)
    embedding = AniSOAPEmbedding(sorted(set(data.types.tolist())), **HYPERPARAMETERS).double()
    expected = embedding(data).numpy()
    # GSD stores float32
    tolerance = 1e-5 if name.endswith("gsd") else 1e-12
    np.testing.assert_allclose(found["features"], expected, atol=tolerance * abs(expected).max())


def test_atoms_become_ellipsoids(tmp_path, capsys):
    source, output = tmp_path / "in.xyz", tmp_path / "out.npz"
    water, benzene = ase.build.molecule("H2O"), ase.build.molecule("C6H6")
    water.positions += [0, 0, 4]
    ase.io.write(source, [water, benzene + water], format="extxyz")
    arguments = [source, "-o", output, *EXPANSION, "--coarse-grain"]
    code, printed = run(capsys, *arguments)
    assert code == 2
    assert (
        "frame 1: found the formulas C6H6 (1), atom 0 in the rarest, expected only those of types, ['H2O']"
        in printed.err
    )
    code, printed = run(capsys, *arguments, "--molecule-types", "H2O=7", "C6H6=2")
    assert code == 0, printed.err
    found = load(output)
    assert found["types"].tolist() == [7, 2, 7]
    frames = [
        coarse_grain(atoms, types={"H2O": 7, "C6H6": 2}, dtype=torch.float64)
        for atoms in ase.io.read(source, ":")
    ]
    embedding = AniSOAPEmbedding([2, 7], **HYPERPARAMETERS).double()
    expected = torch.cat([embedding(data) for data in frames]).numpy()
    np.testing.assert_allclose(found["features"], expected, atol=1e-12 * abs(expected).max())
    ase.io.write(source, [water, water], format="extxyz")
    code, _ = run(capsys, *arguments, "--overwrite")
    assert code == 0
    assert load(output)["types"].tolist() == [0, 0]


@pytest.mark.parametrize("suffix", ["npz", "pt"])
@pytest.mark.parametrize("text", ["", "0\nProperties=species:S:1:pos:R:3\n"])
def test_no_particles_at_all(tmp_path, capsys, suffix, text):
    source, output = tmp_path / "empty.xyz", tmp_path / f"out.{suffix}"
    source.write_text(text)
    words = [source, "-o", output, *EXPANSION, "--types", "6", "--semiaxes", "1"]
    code, printed = run(capsys, *words)
    assert code == 0, printed.err
    found = load(output)
    assert found["features"].shape == (0, AniSOAPEmbedding([6], **HYPERPARAMETERS).irreps_out.dim)
    assert found["n_particles"].tolist() == ([0] if text else [])


@pytest.fixture
def metatensor():
    return pytest.importorskip("metatensor", reason="metatensor is not installed")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tensor_map_is_that_of_the_layer(
    tmp_path, capsys, source, dtype, monkeypatch, metatensor
):
    monkeypatch.setattr(featurize, "_BATCH_SIZE", 10)  # several batches
    output = tmp_path / "out.mts"
    types = ["--types", 6, 8, 1]
    code, printed = run(capsys, source, "-o", output, *EXPANSION, "--dtype", dtype, *types)
    assert (code, printed.err) == (0, "")
    assert leftovers(tmp_path) == []
    found = metatensor.load(output)
    real = {"float32": torch.float32, "float64": torch.float64}[dtype]
    embedding = AniSOAPEmbedding([6, 8, 1], **HYPERPARAMETERS).to(real)
    batch = Batch.from_data_list(read_ellipsoids(source, dtype=real))
    whole = tmp_path / "whole.mts"
    embedding.to_metatensor(embedding(batch), batch).save(str(whole))
    expected = metatensor.load(whole)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    scale = max(abs(block.values).max() for block in expected.blocks() if len(block.samples))
    metatensor.allclose_raise(found, expected, rtol=0, atol=tolerance * scale)
    assert {block.values.dtype for block in found.blocks()} == {np.dtype(dtype)}
    assert sum(len(block.samples) for block in found.blocks()) == 4 * 27
    info = found.info() if callable(found.info) else found.info
    assert json.loads(info["hyperparameters"]) == json.loads(embedding._json())
    assert info["version"] == anisoap_e3nn.__version__
    # down to its entries, the file is what metatensor writes
    with np.load(output) as ours, np.load(whole) as theirs:
        assert [n for n in ours.files if n != "info.json"] == theirs.files
        for name in theirs.files:
            assert ours[name].dtype == theirs[name].dtype
            assert ours[name].shape == theirs[name].shape
            if not name.endswith("values"):
                assert np.array_equal(ours[name], theirs[name])


@pytest.mark.parametrize("text", ["", "0\nProperties=species:S:1:pos:R:3\n"])
def test_a_tensor_map_of_no_particles(tmp_path, capsys, text, metatensor):
    source, output = tmp_path / "empty.xyz", tmp_path / "out.mts"
    source.write_text(text)
    words = [source, "-o", output, *EXPANSION, "--types", "6", "--semiaxes", "1"]
    code, printed = run(capsys, *words)
    assert code == 0, printed.err
    found = metatensor.load(output)
    assert [block.values.shape for block in found.blocks()] == [
        (0, 1, 2), (0, 3, 2), (0, 5, 1), (0, 7, 1)
    ]  # fmt: skip


@needs_shared
@pytest.mark.parametrize(
    ("name", "words", "particles"),
    [
        ("ellipsoids.xyz", ["--semiaxes", "2", "2", "0.25"], 321),
        ("benzene_ellipsoids.xyz", [], 780),
        ("benzene_crystals.xyz", ["--semiaxes", "6:1.7", "1:1.1"], 1608),
        ("benzene_crystals.xyz", ["--coarse-grain"], 134),
        ("gay_berne_random_rotations.xyz", ["--stored-sizes", "semiaxes", "--space-to-body"], 2000),
    ],
)
def test_real_files(tmp_path, capsys, name, words, particles):
    output = tmp_path / "out.npz"
    code, printed = run(capsys, SHARED / name, "-o", output, *EXPANSION, *words)
    assert code == 0, printed.err
    found = load(output)
    assert len(found["features"]) == len(found["types"]) == particles
    assert found["n_particles"].sum() == particles
    assert np.isfinite(found["features"]).all()
    assert np.ptp(found["features"], axis=0).max() > 0
