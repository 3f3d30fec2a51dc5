"""Structure and motion of fluids of ellipsoids: what tells whether a force field is right."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.batches import frame_iterable
from ..geometry import rotation_matrices
from ..graph.cells import heights

Array = npt.NDArray[np.float64]

_BELOW = 1 - 1e-6  # freud, in single precision, refuses half of a height itself
_NO_FRAMES = "found no frames, expected one or more"


class Structure(NamedTuple):
    """Result of :func:`structure`; lengths are those of the frames."""

    distances: Array  # [bin], centres of the bins
    g: Array  # [bin], radial distribution function
    g_angles: Array  # [angle, bin], g(r, |cos θ|), with mean g over equal ranges of |cos θ|
    cosines: Array  # [angle + 1], limits of the ranges of |cos θ|
    order: Array  # [bin], <P2(cos θ)> of pairs at a distance
    nematic: float  # mean nematic order parameter of the frames
    displacement: Array  # [lag], mean-square displacement; lags are frames

    @property
    def first_peak(self) -> tuple[float, float]:
        """Position and height of the highest peak of g, by a parabola through three bins where possible."""
        if len(self.g) < 3:
            return float(self.distances[self.g.argmax()]), float(self.g.max())
        k = int(np.clip(self.g.argmax(), 1, len(self.g) - 2))
        a, b, c = self.g[k - 1 : k + 2]
        shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c else 0.0
        width = self.distances[1] - self.distances[0]
        return float(self.distances[k] + shift * width), float(b - 0.25 * (a - c) * shift)


def structure(
    frames: Iterable[Any],
    largest: float,
    *,
    n_bins: int = 100,
    n_angles: int = 3,
    axis: int = 2,
) -> Structure:
    r"""Distribution functions, orientational order and displacements of a trajectory, by freud.

    .. math::
        g(r, c) = \frac{V}{N (N - 1)} \left\langle \sum_{i \neq j} \frac{\delta(r - r_{ij}) \,
                  \delta(c - |u_i \cdot u_j|)}{4 \pi r^2} \right\rangle, \qquad
        g(r) = \int_0^1 g(r, c) \, dc

    with the axes :math:`u` of the particles. All frames have the same number of particles, in the same order.
    Displacements follow particles across the boundary of the cell: from one frame to the next none may move
    by half of its smallest height. The motion of all particles together does not count. Cells may be tilted
    and turned in any way.

    Parameters
    ----------
    frames : iterable of EllipsoidData
        Frames of a trajectory, periodic along all axes.
    largest : float
        Largest distance, a length; half of the smallest height of the cells at most, which is
        :func:`largest_distance`.
    n_bins, n_angles : int
        Numbers of bins of distances, and of ranges of :math:`|\cos \theta|`.
    axis : {0, 1, 2}
        Body axis :math:`u`: 2, the shortest, for disks, and 0, the longest, for rods.

    Raises
    ------
    ImportError
        If freud is not installed.
    ValueError
        If there are no frames, or one has fewer than two particles, another number of them than the first
        or a cell that is not periodic or too low, or if an argument is out of range.
    """
    freud = _freud()
    for name, value in (("n_bins", n_bins), ("n_angles", n_angles)):
        if value < 1:
            raise ValueError(f"{name} is {value}, expected 1 or more")
    if axis not in (0, 1, 2):
        raise ValueError(f"axis is {axis}, expected 0, 1 or 2")
    if not 0 < largest < np.inf:
        raise ValueError(f"largest is {largest}, expected a positive length")
    edges, cosines = np.linspace(0, largest, n_bins + 1), np.linspace(0, 1, n_angles + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)  # -> [bin]
    counts, expected = np.zeros((n_angles, n_bins)), np.zeros(n_bins)
    legendre, pairs = np.zeros(n_bins), np.zeros(n_bins)
    positions: list[Array] = []
    nematic: list[float] = []
    for number, data in enumerate(frame_iterable(frames)):
        half = _half_height(data, number)
        if largest > half:
            raise ValueError(
                f"largest is {largest}, expected {rounded_down(half)} or less, half of the smallest height "
                f"of the cell of frame {number}"
            )
        points = data.pos.double().numpy()
        if positions and len(points) != len(positions[0]):
            raise ValueError(
                f"frame {number} has {len(points)} particles, expected {len(positions[0])} as in frame 0"
            )
        matrix, turn = _triangular(data.cell[0].double().numpy())
        box = freud.box.Box.from_matrix(matrix.T)
        axes = rotation_matrices(data.orientations)[:, :, axis].double().numpy()
        query = freud.locality.AABBQuery(box, box.wrap(points @ turn.T))
        ball = {"mode": "ball", "r_max": min(largest, half * _BELOW), "exclude_ii": True}
        found = query.query(query.points, ball).toNeighborList()
        i, j = found.query_point_indices, found.point_indices
        cos = np.abs((axes[i] * axes[j]).sum(1))
        counts += np.histogram2d(cos, found.distances, [cosines, edges])[0]
        legendre += np.histogram(found.distances, edges, weights=1.5 * cos**2 - 0.5)[0]
        pairs += np.histogram(found.distances, edges)[0]
        expected += len(points) * (len(points) - 1) / box.volume * shells
        order = freud.order.Nematic()
        order.compute(axes.astype(np.float32))
        nematic.append(float(order.order))
        before = positions[-1] if positions else points
        positions.append(before + box.wrap((points - before) @ turn.T) @ turn)
    if not positions:
        raise ValueError(_NO_FRAMES)
    g_angles = counts / expected * n_angles
    return Structure(
        (edges[1:] + edges[:-1]) / 2,
        g_angles.mean(0),
        g_angles,
        cosines,
        legendre / np.maximum(pairs, 1),
        float(np.mean(nematic)),
        _displacement(freud, positions),
    )


def largest_distance(frames: Iterable[Any]) -> float:
    """Half of the smallest height of the cells of all frames: the largest distance that has one image.

    Parameters
    ----------
    frames : iterable of EllipsoidData
        Frames of a trajectory, periodic along all axes.

    Raises
    ------
    ValueError
        If there are no frames, or one has fewer than two particles or is not periodic.
    """
    found = [_half_height(data, number) for number, data in enumerate(frame_iterable(frames))]
    if not found:
        raise ValueError(_NO_FRAMES)
    return min(found)


def rounded_down(length: float) -> str:
    """A length in four digits, not above it."""
    unit = 10.0 ** (np.floor(np.log10(length)) - 3)
    return f"{np.floor(length / unit) * unit:.4g}"


def _half_height(data: Any, number: int) -> float:
    """Half of the smallest height of the cell of a frame, which is refused if it is no periodic fluid."""
    if not bool(data.pbc.all()):
        raise ValueError(
            f"frame {number} is not periodic along all axes, expected a periodic fluid"
        )
    if len(data.pos) < 2:
        raise ValueError(
            f"frame {number} has {len(data.pos)} particles, expected two or more, since distribution "
            "functions are those of pairs"
        )
    return float(heights(data.cell[0].double().numpy()).min()) / 2


def _triangular(cell: Array) -> tuple[Array, Array]:
    """Lower triangular cell, as freud stores cells, and the rotation or reflection from it to a cell.

    Parameters
    ----------
    cell : array ``(3, 3)``
        Cell vectors, a length.

    Returns
    -------
    triangular, turn : array ``(3, 3)``
        ``cell = triangular @ turn``, with positive lengths on the diagonal.
    """
    q, r = np.linalg.qr(cell.T)
    signs = np.sign(np.diag(r))
    return r.T * signs, signs[:, None] * q.T


def _freud() -> Any:
    try:
        import freud
    except ImportError as error:
        raise ImportError(
            f'freud cannot be imported ({error}): pip install "anisoap-e3nn[analysis]"'
        ) from error
    return freud


def _displacement(freud: Any, positions: Sequence[Array]) -> Array:
    found = freud.msd.MSD(mode="window")
    moved = np.array(positions)  # -> [frame, particle, 3]
    found.compute(moved - moved.mean(1, keepdims=True))
    return np.asarray(found.msd)
