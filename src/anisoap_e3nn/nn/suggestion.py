"""Hyperparameters of a density expansion that resolve the gap between neighbours."""

from collections.abc import Iterable
from math import sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..arguments import positive
from ..data.batches import frame_iterable
from ..graph import edges_of
from ..tensor_arguments import check_data

# Measured on validation frames of a Gay-Berne fluid and of liquid benzene: see the docstring.
_RELATIVE_WIDTH = 0.2  # standard deviation of a density, in contact distances
_MAX_ANGULAR, _MAX_RADIAL = 8, 4


class Suggestion(NamedTuple):
    """Hyperparameters with the reason for them.

    Attributes
    ----------
    hyperparameters : dict
        Arguments `max_angular`, `max_radial`, `radial_gaussian_width` and `density_width` of
        :class:`~anisoap_e3nn.AniSOAPEmbedding`, of the networks and of
        :class:`~anisoap_e3nn.potentials.ManyBodyPotential`.
    reason : str
        Why, in words.
    """

    hyperparameters: dict[str, Any]
    reason: str


def suggest_hyperparameters(frames: Iterable[Any], cutoff: float) -> Suggestion:
    r"""Suggest l, n and widths that resolve the gap between neighbouring particles.

    .. math::
        w = 0.2 \, d / a, \qquad
        \sigma = d / \sqrt{l_{max} + 2 n_{max}} = d / 4, \qquad
        l_{max} = 8, \qquad n_{max} = 4

    Here d is the contact distance: the tenth percentile of the distances of nearest neighbours. The size a is
    the mean over the particles of :math:`(a_1 a_2 a_3)^{1/3}`; disks and needles count with their mean
    semi-axis. A density of standard deviation 0.2 d has decayed by a factor of 20 half way to a neighbour in
    contact, and still shows how the neighbour is turned. It varies over angles of about 0.2, hence
    :math:`l_{max} \approx \pi / (2 \cdot 0.2)`. The outermost radial function
    :math:`r^{l + 2n} e^{-r^2 / 2\sigma^2}` has its peak at :math:`\sigma \sqrt{l + 2n} = d`.

    The numbers come from linear fits to power spectra, judged by frames that were not fitted. R² of energies
    of a Gay-Berne fluid (d = 1.19, a = 0.72) is at most 0.60, 0.93, 0.79 and 0.64 for w = 0.2, 0.3, 0.45 and
    0.6, and within 0.02 of the best for σ of d/5 to d/3. R² of mean forces of liquid benzene (d = 4.4 Å,
    a = 2.5 Å) is 0.77, 0.84 and 0.86 for w = 0.2, 0.3 and 0.4.

    Networks, which learn products of more than two densities, want wider ones: their default is w = 0.6.

    Parameters
    ----------
    frames : iterable of EllipsoidData or of Batches of them
        Some dozens of typical frames suffice.
    cutoff : float
        Cutoff of the expansion, a length.

    Returns
    -------
    Suggestion

    Raises
    ------
    ValueError
        If there are no frames, no two particles are within the cutoff, or all particles are points.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> pair = EllipsoidData([[0.0, 0, 0], [0, 0, 2]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 1]] * 2, [0, 0])
    >>> suggestion = suggest_hyperparameters([pair], cutoff=4.0)
    >>> suggestion.hyperparameters
    {'max_angular': 8, 'max_radial': 4, 'radial_gaussian_width': 0.5, 'density_width': 0.4}
    >>> print(suggestion.reason)
    nearest neighbours come as close as 2 and particles measure 1 (semi-axes), so densities of 0.4 semi-axes
    decay before the next surface; radial functions of width 0.5 and powers up to r^16 reach to 2
    """
    cutoff = positive("cutoff", cutoff, "length")
    nearest, sizes = [], []
    for number, data in enumerate(frame_iterable(frames)):
        check_data(data, f"frames[{number}]")
        nearest.append(_nearest(data, cutoff).double())
        sizes.append(_sizes(data.semiaxes.double()))
    if not nearest:
        raise ValueError("expected one or more frames, found none")
    distances, size = torch.cat(nearest), float(torch.cat(sizes).mean())
    if len(distances) == 0:
        raise ValueError(
            f"no two particles are closer than the cutoff {cutoff}; use a larger one, or check the unit of "
            "length"
        )
    if not size > 0:
        raise ValueError("all semi-axes are zero, expected particles with a size")
    contact = float(distances.quantile(0.1))
    density_width = _rounded(_RELATIVE_WIDTH * contact / size)
    highest_power = _MAX_ANGULAR + 2 * _MAX_RADIAL
    width = _rounded(contact / sqrt(highest_power))
    reason = (
        f"nearest neighbours come as close as {contact:.3g} and particles measure {size:.3g} (semi-axes), so "
        f"densities of {density_width} semi-axes decay before the next surface; radial functions of width "
        f"{width} and powers up to r^{highest_power} reach to {contact:.3g}"
    )
    return Suggestion(
        {
            "max_angular": _MAX_ANGULAR,
            "max_radial": _MAX_RADIAL,
            "radial_gaussian_width": width,
            "density_width": density_width,
        },
        reason,
    )


def _nearest(data: Any, cutoff: float) -> Tensor:
    """Distances of the nearest neighbours of the particles that have neighbours."""
    edges = edges_of(data, cutoff)
    lengths = edges.edge_vectors.detach().norm(dim=1)  # -> [edge]
    none = lengths.new_full((len(data.types),), torch.inf)
    nearest = none.scatter_reduce(0, edges.edge_index[1], lengths, "amin")  # -> [particle]
    return nearest[nearest.isfinite()]


def _sizes(semiaxes: Tensor) -> Tensor:
    """Geometric mean of the semi-axes; of disks and needles, whose is zero, the arithmetic one."""
    geometric = semiaxes.detach().prod(1).pow(1 / 3)  # -> [particle]
    return geometric.where(geometric > 0, semiaxes.detach().mean(1))


def _rounded(value: float) -> float:
    """The value to two digits, since more would pretend a precision that it lacks."""
    return float(f"{value:.2g}")
