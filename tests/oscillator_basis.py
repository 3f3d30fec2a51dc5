"""A radial basis of one's own: eigenfunctions of the isotropic harmonic oscillator."""

from dataclasses import dataclass
from math import factorial, gamma, sqrt
from typing import Any

import numpy as np
from scipy.special import binom, eval_genlaguerre

from anisoap_e3nn.basis import RadialBasis


@dataclass(frozen=True)
class OscillatorBasis(RadialBasis):
    """φ_nl(r) = N_nl r^l L_n^(l+½)(r²/σ²) exp(-r²/2σ²), orthonormal with weight r²."""

    width: float

    @property
    def exponent(self) -> float:
        return self.width**-2

    def norm(self, n: int, l: int) -> float:
        return sqrt(2 * factorial(n) / (gamma(n + l + 1.5) * self.width ** (2 * l + 3)))

    def expansion(self, l: int, n_radial: int, rcond: float) -> Any:
        return [
            [
                self.norm(n, l) * binom(n + l + 0.5, n - k) / factorial(k) * (-self.exponent) ** k
                for k in range(n_radial)
            ]
            for n in range(n_radial)
        ]

    def values(self, n: int, l: int, r: Any) -> Any:
        """The functions by SciPy's Laguerre polynomials, not by `expansion`."""
        x = (r / self.width) ** 2
        return self.norm(n, l) * r**l * eval_genlaguerre(n, l + 0.5, x) * np.exp(-x / 2)
