"""Differentiable kernels: one operation a file, defined in plain torch and compiled for CPUs."""

from .gaussian_moments import gaussian_moments
from .monomials import moment_exponents
from .product_program import Block, Path, ProductPlan
from .sparse_accumulation import (
    accumulate,
    accumulate_active_dim_first,
    accumulate_active_dim_middle,
)
from .sparse_product import SparseProduct, sparse_product

__all__ = [
    "Block",
    "Path",
    "ProductPlan",
    "SparseProduct",
    "accumulate",
    "accumulate_active_dim_first",
    "accumulate_active_dim_middle",
    "gaussian_moments",
    "moment_exponents",
    "sparse_product",
]
