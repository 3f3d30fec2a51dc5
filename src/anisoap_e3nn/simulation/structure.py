"""Structure and motion of fluids of ellipsoids: what tells whether a force field is right."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.batches import frame_iterable
from ..geometry import rotation_matrices

Array = npt.NDArray[np.float64]


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
        """Position and height of the highest peak of g, by a parabola through three bins."""
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
    by half of it. The motion of all particles together does not count.

    Parameters
    ----------
    frames : iterable of EllipsoidData
        Frames of a trajectory, periodic along all axes.
    largest : float
        Largest distance, a length; half of the smallest height of the cell at most.
    n_bins, n_angles : int
        Numbers of bins of distances, and of ranges of :math:`|\cos \theta|`.
    axis : {0, 1, 2}
        Body axis :math:`u`: 2, the shortest, for disks, and 0, the longest, for rods.

    Raises
    ------
    ImportError
        If freud is not installed.
    ValueError
        If there are no frames, or one is not periodic.
    """
    freud = _freud()
    edges, cosines = np.linspace(0, largest, n_bins + 1), np.linspace(0, 1, n_angles + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)  # -> [bin]
    counts, expected = np.zeros((n_angles, n_bins)), np.zeros(n_bins)
    legendre, pairs = np.zeros(n_bins), np.zeros(n_bins)
    positions: list[Array] = []
    nematic: list[float] = []
    for number, data in enumerate(frame_iterable(frames)):
        if not bool(data.pbc.all()):
            raise ValueError(
                f"frame {number} is not periodic along all axes, expected a periodic fluid"
            )
        box = freud.box.Box.from_matrix(data.cell[0].double().T.numpy())
        points = data.pos.double().numpy()
        axes = rotation_matrices(data.orientations)[:, :, axis].double().numpy()
        query = freud.locality.AABBQuery(box, box.wrap(points))
        found = query.query(
            query.points, {"mode": "ball", "r_max": largest, "exclude_ii": True}
        ).toNeighborList()
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
        positions.append(before + box.wrap(points - before))
    if not positions:
        raise ValueError("found no frames, expected one or more")
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
