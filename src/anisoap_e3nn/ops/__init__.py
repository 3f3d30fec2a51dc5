"""Differentiable kernels, one operation a file, each with a plain torch definition."""

from .gaussian_moments import gaussian_moments
from .monomials import moment_exponents

__all__ = ["gaussian_moments", "moment_exponents"]
