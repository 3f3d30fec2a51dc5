"""Layers: embedding, power spectra, tensor products, convolutions, linear maps and cutoff functions."""

from .convolution import TensorProductConvolution
from .cutoff import PolynomialCutoff, ShiftedCosine
from .density_resolution import expanded_density, kept_density
from .embedding import AniSOAPEmbedding
from .full_tensor_product import FullTensorProduct, TensorSquare
from .linear import TypeLinear
from .power_spectrum import PowerSpectrum
from .suggestion import Suggestion, suggest_hyperparameters
from .tensor_product import TensorProduct

__all__ = [
    "AniSOAPEmbedding",
    "FullTensorProduct",
    "PolynomialCutoff",
    "PowerSpectrum",
    "ShiftedCosine",
    "Suggestion",
    "TensorProduct",
    "TensorProductConvolution",
    "TensorSquare",
    "TypeLinear",
    "expanded_density",
    "kept_density",
    "suggest_hyperparameters",
]
