"""Free rotation of rigid bodies."""

import numpy as np
import torch
from torch import Tensor

from ..constant import Constant
from ..tracing import is_readable

# q @ _UNIT_PRODUCTS[k] is the product of the quaternion q with the unit of body axis k, (0, e_k)
_UNIT_PRODUCTS = Constant(
    np.array(
        [
            [[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]],
            [[0, 0, 1, 0], [0, 0, 0, 1], [-1, 0, 0, 0], [0, -1, 0, 0]],
            [[0, 0, 0, 1], [0, 0, -1, 0], [0, 1, 0, 0], [-1, 0, 0, 0]],
        ],
        dtype=np.float64,
    )
)


def rotate_freely(
    quaternions: Tensor, angular_momenta: Tensor, inverse_moments: Tensor, time: float
) -> tuple[Tensor, Tensor]:
    r"""Rotate bodies without torques for a time, by NO_SQUISH.

    The kinetic energy is split into the terms :math:`l_k^2 / 2 I_k` of rotations about the three principal
    axes. Their motions :math:`e^{t L_k}` are exact and composed (Miller et al., J. Chem. Phys. 116, 8649,
    2002),

    .. math::
        e^{\frac t2 L_3} e^{\frac t2 L_2} e^{t L_1} e^{\frac t2 L_2} e^{\frac t2 L_3}.

    Each motion turns the body about its axis k by :math:`t \, l_k / I_k`. The angular momentum in space is
    constant, so its components :math:`l` along the body axes turn the other way. The map is symplectic and
    reversible, and conserves the norms of quaternions. Its error is of third order in the time.

    Needles have neither moment nor angular momentum about one axis. They turn about their angular momentum,
    which is exact.

    Parameters
    ----------
    quaternions : Tensor ``(N, 4)``
        (w, x, y, z), body → space.
    angular_momenta : Tensor ``(N, 3)``
        Angular momenta along the principal axes of the bodies.
    inverse_moments : Tensor ``(N, 3)``
        Inverses of the principal moments of inertia; zero for axes without a moment.
    time : float
        Duration of the rotation.

    Returns
    -------
    quaternions : Tensor ``(N, 4)``
        Orientations after this time.
    angular_momenta : Tensor ``(N, 3)``
        Angular momenta after this time.

    Examples
    --------
    >>> identity, spin = torch.tensor([[1.0, 0, 0, 0]]), torch.tensor([[0, 0, torch.pi]])
    >>> rotate_freely(identity, spin, torch.ones(1, 3), time=0.5)[0]  # a quarter turn about z
    tensor([[0.7071, 0.0000, 0.0000, 0.7071]])
    """
    units = _UNIT_PRODUCTS.like(quaternions)
    start = quaternions, angular_momenta
    l = list(angular_momenta.unbind(1))
    for k, share in ((2, 0.5), (1, 0.5), (0, 1.0), (1, 0.5), (2, 0.5)):
        angles = share * time * l[k] * inverse_moments[:, k]  # -> [particle]
        cos, sin = angles.cos(), angles.sin()
        i, j = (k + 1) % 3, (k + 2) % 3
        l[i], l[j] = cos * l[i] + sin * l[j], cos * l[j] - sin * l[i]
        cos, sin = (angles / 2).cos()[:, None], (angles / 2).sin()[:, None]
        quaternions = cos * quaternions + sin * (quaternions @ units[k])  # -> [particle, 4]
    angular_momenta = torch.stack(l, 1)

    needles = (inverse_moments == 0).any(1, keepdim=True)  # and points, which stand still
    if not is_readable(needles) or needles.any():
        q, angular_velocities = start[0], start[1] * inverse_moments
        half = time / 2 * angular_velocities.norm(dim=1, keepdim=True)  # angles -> [particle, 1]
        products = torch.einsum("na,kab,nk->nb", q, units, angular_velocities)
        turned = half.cos() * q + time / 2 * torch.sinc(half / torch.pi) * products
        quaternions = torch.where(needles, turned, quaternions)
        angular_momenta = torch.where(needles, start[1], angular_momenta)
    return quaternions, angular_momenta
