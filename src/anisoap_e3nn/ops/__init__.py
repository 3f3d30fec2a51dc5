"""Differentiable kernels: one operation a file, defined in plain torch and compiled for CPUs."""

from .convolution import convolution
from .convolution_plan import ConvolutionPath, ConvolutionPlan
from .gaussian_moments import gaussian_moments
from .monomials import moment_exponents
from .pair_coordinates import pair_coordinates
from .perceptron import perceptron
from .product_program import Block, Path, ProductPlan
from .sparse_accumulation import (
    accumulate,
    accumulate_active_dim_first,
    accumulate_active_dim_middle,
)
from .sparse_product import SparseProduct, sparse_product

__all__ = [
    "Block",
    "ConvolutionPath",
    "ConvolutionPlan",
    "Path",
    "ProductPlan",
    "SparseProduct",
    "accumulate",
    "accumulate_active_dim_first",
    "accumulate_active_dim_middle",
    "convolution",
    "gaussian_moments",
    "moment_exponents",
    "pair_coordinates",
    "perceptron",
    "sparse_product",
]
