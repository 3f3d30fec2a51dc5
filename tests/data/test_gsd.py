from contextlib import suppress

import numpy as np
import pytest

from anisoap_e3nn.data import count_frames, read_ellipsoids
from ellipsoid_files import expected_sigma, sigma, wxyz

pytestmark = pytest.mark.usefixtures("float64_by_default")


def gsd_frame(ellipsoids, shapes=None, dimensions=3):
    import gsd.hoomd

    positions, rotation, _ = ellipsoids
    frame = gsd.hoomd.Frame()
    frame.configuration.box = [8, 9, 10 if dimensions == 3 else 0, 0.1, -0.2, 0.3]
    frame.configuration.dimensions = dimensions
    frame.particles.N = len(positions)
    frame.particles.position = positions
    frame.particles.orientation = wxyz(rotation)
    frame.particles.types = ["A", "B"]
    frame.particles.typeid = [0, 1, 1, 0, 1, 0]
    if shapes is not None:
        frame.particles.type_shapes = shapes
    return frame


def write_gsd(path, *frames):
    import gsd.hoomd

    with gsd.hoomd.open(path, mode="w") as file:
        file.extend(frames)


def test_gsd_with_shapes(tmp_path, ellipsoids):
    pytest.importorskip("gsd")
    path = tmp_path / "shapes.gsd"
    shapes = [{"type": "Ellipsoid", "a": 0.5, "b": 1, "c": 2}, {"type": "Sphere", "diameter": 3}]
    write_gsd(path, gsd_frame(ellipsoids, shapes), gsd_frame(ellipsoids, shapes, dimensions=2))
    solid, flat = read_ellipsoids(path)
    assert count_frames(path) == 2
    sizes = np.array([[0.5, 1, 2], [1.5, 1.5, 1.5]])[[0, 1, 1, 0, 1, 0]]
    np.testing.assert_allclose(sigma(solid), expected_sigma(ellipsoids[1], sizes), atol=1e-5)
    np.testing.assert_allclose(solid.pos, ellipsoids[0], atol=1e-6)
    assert solid.types.tolist() == [0, 1, 1, 0, 1, 0]
    # HOOMD's tilt factors are relative: b = (xy·Ly, Ly, 0), c = (xz·Lz, yz·Lz, Lz)
    np.testing.assert_allclose(solid.cell[0], [[8, 0, 0], [0.9, 9, 0], [-2, 3, 10]], atol=1e-6)
    assert solid.pbc.all()
    assert flat.pbc.tolist() == [[True, True, False]]


def test_gsd_without_shapes_takes_sizes_from_the_user(tmp_path, ellipsoids):
    pytest.importorskip("gsd")
    path = tmp_path / "bare.gsd"
    write_gsd(path, gsd_frame(ellipsoids))
    with pytest.raises(ValueError, match=r"bare.gsd, frame 0: found no sizes .*type_shapes are"):
        read_ellipsoids(path)
    (data,) = read_ellipsoids(path, semiaxes={0: [1, 2, 3], 1: 4.0})
    sizes = np.array([[1, 2, 3], [4, 4, 4]])[[0, 1, 1, 0, 1, 0]]
    np.testing.assert_allclose(sigma(data), expected_sigma(ellipsoids[1], sizes), atol=1e-4)


@pytest.mark.parametrize("none", [{}, {"type": "Polygon", "vertices": [[0, 0]]}])
def test_only_types_of_particles_need_a_shape_in_gsd(tmp_path, ellipsoids, none):
    pytest.importorskip("gsd")
    path = tmp_path / "mixture.gsd"
    shape = {"type": "Ellipsoid", "a": 0.5, "b": 1, "c": 2}
    frame = gsd_frame(ellipsoids, [none, shape, none])
    frame.particles.types = ["A", "B", "C"]
    frame.particles.typeid = [1] * 6
    write_gsd(path, frame)
    assert read_ellipsoids(path)[0].semiaxes.tolist() == [[0.5, 1, 2]] * 6
    frame.particles.typeid = [1] * 5 + [0]
    write_gsd(path, frame)
    with pytest.raises(
        ValueError, match=r"frame 0: found no sizes .*without sizes for the types \[0\]"
    ):
        read_ellipsoids(path)
    frame.particles.typeid = [1] * 6
    frame.particles.type_shapes = [none]
    write_gsd(path, frame)
    with pytest.raises(ValueError, match=r"without sizes for the types \[1\]"):
        read_ellipsoids(path)


def test_a_number_of_particles_that_the_file_has_no_room_for_is_refused(tmp_path):
    hoomd = pytest.importorskip("gsd.hoomd")
    path = tmp_path / "huge.gsd"
    frame = hoomd.Frame()
    frame.configuration.box = [5, 5, 5, 0, 0, 0]
    frame.particles.N = 3_000_000_000
    write_gsd(path, frame)
    with pytest.raises(
        ValueError, match=r"huge.gsd, frame 0: .*found 3000000000 particles in a file"
    ):
        read_ellipsoids(path)


def test_damaged_gsd_files_give_one_kind_of_error(tmp_path, ellipsoids):
    pytest.importorskip("gsd")
    path = tmp_path / "a.gsd"
    write_gsd(path, gsd_frame(ellipsoids))
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(good)
        for place in rng.integers(len(good), size=3):
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged[: rng.integers(len(good) // 2, len(good))])
        for read in (lambda: read_ellipsoids(path, semiaxes=1.0), lambda: count_frames(path)):
            with suppress(ValueError):  # a flipped bit may also do no harm
                read()
