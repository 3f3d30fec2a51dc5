"""The embedding that potentials start from."""

from collections.abc import Sequence

from ..arguments import positive
from .embedding import AniSOAPEmbedding


def smooth_embedding(
    types: Sequence[int],
    cutoff: float,
    max_angular: int,
    max_radial: int | Sequence[int] | None = None,
    radial_gaussian_width: float | None = None,
) -> AniSOAPEmbedding:
    """Build an embedding whose first two derivatives are continuous at the cutoff.

    Parameters
    ----------
    types, cutoff, max_angular, max_radial
        As for :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    radial_gaussian_width : float, optional
        Width of the Gaussian-type orbitals, a length; by default a quarter of the cutoff.
    """
    cutoff = positive("cutoff", cutoff, "length")
    width = cutoff / 4 if radial_gaussian_width is None else radial_gaussian_width
    return AniSOAPEmbedding(
        types,
        cutoff,
        max_angular,
        max_radial,
        radial_gaussian_width=width,
        cutoff_function="polynomial",
    )
