"""The embedding that potentials start from."""

from collections.abc import Sequence

from ..arguments import positive
from .embedding import AniSOAPEmbedding


def smooth_embedding(
    types: Sequence[int],
    cutoff: float,
    max_angular: int,
    max_radial: int | Sequence[int] | None = 4,
    radial_gaussian_width: float | Sequence[float] | None = None,
    density_width: float = 0.3,
    include_self: bool | str = "separate",
) -> AniSOAPEmbedding:
    """Build an embedding whose first two derivatives are continuous at the cutoff.

    Parameters
    ----------
    types, cutoff, max_angular, max_radial, density_width, include_self
        As for :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    radial_gaussian_width : float or sequence of float, optional
        Width of the Gaussian-type orbitals, a length; by default an eighth of the cutoff.
    """
    cutoff = positive("cutoff", cutoff, "length")
    width = cutoff / 8 if radial_gaussian_width is None else radial_gaussian_width
    return AniSOAPEmbedding(
        types,
        cutoff,
        max_angular,
        max_radial,
        radial_gaussian_width=width,
        cutoff_function="polynomial",
        include_self=include_self,
        density_width=density_width,
    )


DENSITY_HYPERPARAMETERS = (
    "types",
    "cutoff",
    "max_angular",
    "max_radial",
    "radial_gaussian_width",
    "density_width",
    "include_self",
)
"""Arguments of :func:`smooth_embedding`."""
