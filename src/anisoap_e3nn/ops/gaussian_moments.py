"""Sums of the Cartesian moments of Gaussians over neighbourhoods."""

from torch import Tensor

from ..precision import without_autocast
from .backends import choose_backend
from .moment_inputs import MomentInputs, check_inputs


@without_autocast
def gaussian_moments(
    edge_vectors: Tensor,
    neighbors: Tensor,
    segments: Tensor,
    n_segments: int,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None = None,
    own_segments: Tensor | None = None,
    *,
    exponent: float,
    degree: int,
    backend: str | None = None,
) -> Tensor:
    r"""Moments of damped Gaussians, summed over the edges of each segment.

    .. math::
        A_{s, abc} = \sum_{e \in s} W_e \, \mathrm{E}\left[ x^a y^b z^c \right]_{N(\mu_e, C_j)},
        \qquad a + b + c \le D

    with :math:`j` the neighbour of edge :math:`e`, :math:`\mu_e = r_e - \beta C_j r_e` and
    :math:`W_e = w_j f_e \exp(-\tfrac12 \beta \, r_e \cdot \mu_e)`. If :math:`C_j` and :math:`w_j` come from
    :func:`anisoap_e3nn.geometry.damped_covariances`, each term is :math:`f_e` times the integral of
    :math:`x^a y^b z^c e^{-\beta |x|^2/2} N(x; r_e, \Sigma_j)`.

    The torch backend has derivatives of any order. The native backend, for CPUs, and the triton backend, for
    NVIDIA GPUs, have first and second ones, in reverse and forward mode and in ``torch.func``, but not
    forward mode through forward mode. The triton backend leaves degrees above 20 to the torch backend. All
    compute in the type of the tensors, also inside ``torch.autocast``.

    Parameters
    ----------
    edge_vectors : Tensor ``(edge, 3)``, float32 or float64
        :math:`r_e`, from the centre to the neighbour.
    neighbors : Tensor ``(edge,)``, int64
        The neighbour :math:`j` of each edge.
    segments : Tensor ``(edge,)``, int64
        The segment of each edge, in any order. Sorted segments are fastest.
    n_segments : int
        Number of segments. The sums of a segment without edges are zero.
    covariances : Tensor ``(particle, 3, 3)``
        :math:`C_j`, symmetric and positive semi-definite.
    weights : Tensor ``(particle,)``
        :math:`w_j`.
    pair_weights : Tensor ``(edge,)``, optional
        :math:`f_e`; ones by default.
    own_segments : Tensor ``(particle,)``, int64, optional
        The segment that each particle's own Gaussian is added to, as an edge with :math:`r_e = 0` and
        :math:`f_e = 1`. All different.
    exponent : float
        :math:`\beta`.
    degree : int
        The highest degree :math:`D`.
    backend : {"torch", "native", "triton"}, optional
        By default the environment variable ``ANISOAP_E3NN_BACKEND``, else the fastest one for these
        tensors.

    Returns
    -------
    Tensor ``(segment, moment)``
        In the order of :func:`~anisoap_e3nn.ops.moment_exponents`.

    Raises
    ------
    ValueError
        If shapes do not fit each other, or the backend is unknown or not available.
    TypeError
        If floating-point tensors are of different types, or integers are not int64.
    NotImplementedError
        When the native or triton backend is asked for a derivative that it does not have.
    """
    inputs = MomentInputs(
        edge_vectors,
        neighbors,
        segments,
        n_segments,
        covariances,
        weights,
        pair_weights,
        own_segments,
        exponent,
        degree,
    )
    check_inputs(inputs)
    differentiable = (edge_vectors, covariances, weights, pair_weights)
    run = choose_backend("gaussian_moments", differentiable, backend)
    return run(inputs)
