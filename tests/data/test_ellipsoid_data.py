import pytest
import torch
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from anisoap_e3nn.data import EllipsoidData
from anisoap_e3nn.graph import edge_vectors, neighbor_list


def fields(n, generator, dtype=torch.float64, matrices=False):
    quaternions = torch.randn(n, 4, generator=generator, dtype=dtype)
    rotations = torch.linalg.qr(torch.randn(n, 3, 3, generator=generator, dtype=dtype))[0]
    rotations = rotations * torch.linalg.det(rotations)[:, None, None]
    return {
        "pos": 6 * torch.rand(n, 3, generator=generator, dtype=dtype),
        "orientations": rotations if matrices else quaternions,
        "semiaxes": torch.rand(n, 3, generator=generator, dtype=dtype),
        "types": torch.randint(0, 3, (n,), generator=generator),
    }


def frame(n, generator, dtype=torch.float64, periodic=False, matrices=False, **targets):
    box = {}
    if periodic:
        tilt = torch.randn(3, 3, generator=generator, dtype=dtype)
        box = {"cell": 7 * torch.eye(3, dtype=dtype) + tilt, "pbc": [True, True, False]}
    return EllipsoidData(**fields(n, generator, dtype, matrices), **box, **targets)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20)


@pytest.mark.parametrize("matrices", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fields_keep_their_values_and_take_their_shapes(generator, dtype, matrices):
    given = fields(4, generator, dtype, matrices)
    data = EllipsoidData(**given, cell=5 * torch.eye(3, dtype=dtype), pbc=True)
    for name, value in given.items():
        assert torch.equal(data[name], value)
    assert torch.equal(data.cell, 5 * torch.eye(3, dtype=dtype)[None])
    assert data.pbc.tolist() == [[True, True, True]]
    assert data.num_nodes == 4


def test_lists_take_the_dtype_of_the_tensors(generator):
    data = EllipsoidData(
        pos=torch.zeros(1, 3, dtype=torch.float64),
        orientations=[[1, 0, 0, 0]],
        semiaxes=[[1, 2, 3]],
        types=[4],
    )
    assert data.orientations.dtype == data.semiaxes.dtype == data.cell.dtype == torch.float64
    plain = EllipsoidData([[0, 0, 0]], [[1, 0, 0, 0]], [[1, 2, 3]], [4])
    assert plain.pos.dtype == torch.get_default_dtype()
    assert plain.cell.abs().sum() == 0
    assert not plain.pbc.any()


def test_dataloader_batches_any_mixture_of_frames(generator):
    frames = [
        frame(5, generator, periodic=True, energy=torch.tensor([1.0]).double()),
        frame(0, generator, energy=torch.tensor([2.0]).double()),
        frame(1, generator, energy=torch.tensor([3.0]).double()),
        frame(7, generator, energy=torch.tensor([4.0]).double()),
        frame(1, generator, periodic=True, energy=torch.tensor([5.0]).double()),
    ]
    frames = [data.with_edges(3.0) for data in frames]
    assert frames[1].num_edges == frames[2].num_edges == 0
    (batch,) = DataLoader(frames, batch_size=5)
    assert batch.cell.shape == (5, 3, 3)
    assert batch.pbc.shape == (5, 3)
    assert batch.edge_cutoff.tolist() == [3.0] * 5
    assert torch.equal(batch.pos, torch.cat([data.pos for data in frames]))
    assert batch.energy.tolist() == [1, 2, 3, 4, 5]
    assert torch.bincount(batch.batch, minlength=5).tolist() == [5, 0, 1, 7, 1]
    # the edges of the batch are those of each frame
    vectors = edge_vectors(batch.pos, batch.edge_index, batch.edge_shifts, batch.cell, batch.batch)
    one_by_one = [edge_vectors(d.pos, d.edge_index, d.edge_shifts, d.cell[0]) for d in frames]
    torch.testing.assert_close(vectors, torch.cat(one_by_one), rtol=0, atol=1e-12)
    assert (vectors.norm(dim=-1) <= 3).all()
    for data, again in zip(frames, batch.to_data_list(), strict=True):
        assert isinstance(again, EllipsoidData)
        assert torch.equal(again.edge_index, data.edge_index)
        assert torch.equal(again.cell, data.cell)
        assert again.validate()


def test_with_edges_is_a_copy_with_the_neighbour_list(generator):
    data = frame(6, generator, periodic=True)
    linked = data.with_edges(4.0)
    assert "edge_index" not in data
    index, shifts = neighbor_list(data.pos, 4.0, cell=data.cell[0], pbc=data.pbc[0])
    expected = edge_vectors(data.pos, index, shifts, data.cell[0]).norm(dim=-1)
    found = edge_vectors(data.pos, linked.edge_index, linked.edge_shifts, data.cell[0]).norm(dim=-1)
    torch.testing.assert_close(found.sort().values, expected.sort().values)
    assert linked.edge_cutoff.dtype == torch.float64
    assert linked.edge_cutoff.tolist() == [4.0]


def test_a_batch_can_be_given_edges_too(generator):
    frames = [frame(4, generator, periodic=True), frame(0, generator), frame(5, generator)]
    linked = Batch.from_data_list(frames).with_edges(3.5)
    expected = Batch.from_data_list([data.with_edges(3.5) for data in frames])

    def edges(batch):
        return sorted(zip(*batch.edge_index.tolist(), batch.edge_shifts.tolist(), strict=True))

    assert edges(linked) == edges(expected)
    assert linked.edge_cutoff.tolist() == [3.5] * 3


def test_zero_semiaxes_and_no_particles_are_legal(generator):
    good = fields(3, generator)
    EllipsoidData(**{**good, "semiaxes": torch.zeros(3, 3, dtype=torch.float64)})
    empty = EllipsoidData(torch.zeros(0, 3), torch.zeros(0, 4), torch.zeros(0, 3), [])
    assert empty.num_nodes == 0


def test_a_slab_needs_only_its_periodic_vectors(generator):
    cell = torch.diag(torch.tensor([4.0, 5.0, 0.0], dtype=torch.float64))
    EllipsoidData(**fields(3, generator), cell=cell, pbc=[True, True, False])
    with pytest.raises(ValueError, match=r"periodic axes \[1, 2\] are .*expected independent"):
        EllipsoidData(**fields(3, generator), cell=cell, pbc=[False, True, True])


def spoil(name, index, value):
    def change(good):
        good[name][index] = value

    return change


def put(name, value):
    def change(good):
        good[name] = value

    return change


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (spoil("pos", (1, 2), NAN), ValueError, r"pos\[1\] is .*finite numbers .*1 of 4"),
        (spoil("pos", 2, INF), ValueError, r"pos\[2\] is .*expected finite"),
        (spoil("semiaxes", (0, 1), -0.1), ValueError, r"semiaxes\[0\] is .*-0.1.*≥ 0"),
        (spoil("semiaxes", (3, 1), NAN), ValueError, r"semiaxes\[3\] is .*finite"),
        (spoil("orientations", 2, 0.0), ValueError, r"orientations\[2\] is .*not zero"),
        (spoil("orientations", (2, 0), NAN), ValueError, r"orientations\[2\] is .*finite"),
        (
            put("semiaxes", torch.ones(3, 3).double()),
            ValueError,
            r"semiaxes has shape \(3, 3\), expected \(4, 3\)",
        ),
        (
            put("types", torch.zeros(5).long()),
            ValueError,
            r"types has shape \(5,\), expected \(4,\) for 4 particles",
        ),
        (put("types", torch.zeros(4)), TypeError, "types is torch.float32, expected"),
        (put("semiaxes", torch.ones(4, 3)), TypeError, "found dtypes .*float32.*one floating"),
        (put("pos", torch.zeros(4, 3).long()), TypeError, "found dtypes .*int64.*one floating"),
        (
            put("orientations", torch.ones(4, 3).double()),
            ValueError,
            r"orientations has shape .*\(4, 4\)",
        ),
        (
            put("orientations", 2 * torch.eye(3).double().expand(4, 3, 3)),
            ValueError,
            "expected orthogonal matrices",
        ),
        (
            put("orientations", -torch.eye(3).double().expand(4, 3, 3)),
            ValueError,
            r"determinant \+1",
        ),
        (put("pos", None), TypeError, "found no pos; give all of pos, orientations"),
        (put("cell", torch.eye(3).double()), TypeError, "a cell without pbc"),
        (put("pbc", [True, False, False]), ValueError, r"periodic axes \[0\] are .*pbc=False"),
        (put("edge_index", torch.tensor([[0], [4]])), ValueError, r"in 0\.\.4, expected 0\.\.3"),
        (
            put("edge_index", torch.tensor([[0.0], [1.0]])),
            ValueError,
            "edge_index is torch.float32",
        ),
    ],
)
def test_faults_are_refused_where_they_enter(generator, change, error, message):
    given = fields(4, generator)
    change(given)
    with pytest.raises(error, match=message):
        EllipsoidData(**given)


def test_validate_finds_what_was_changed_later(generator):
    data = frame(3, generator)
    data.pos = data.pos * NAN
    with pytest.warns(UserWarning, match="expected finite"):
        assert not data.validate(raise_on_error=False)
    with pytest.raises(ValueError, match="expected finite"):
        data.validate()


def test_positions_may_require_grad(generator):
    given = fields(4, generator)
    given["pos"].requires_grad_()
    data = EllipsoidData(**given).with_edges(5.0)
    vectors = edge_vectors(data.pos, data.edge_index, data.edge_shifts, data.cell[0])
    (gradient,) = torch.autograd.grad(vectors.square().sum(), given["pos"])
    assert gradient.abs().sum() > 0
