"""Layers: embedding, power spectra, tensor products, convolutions, linear maps and cutoff functions."""

from .convolution import TensorProductConvolution
from .cutoff import PolynomialCutoff, ShiftedCosine
from .embedding import AniSOAPEmbedding
from .full_tensor_product import FullTensorProduct, TensorSquare
from .linear import TypeLinear
from .power_spectrum import PowerSpectrum
from .tensor_product import TensorProduct

__all__ = [
    "AniSOAPEmbedding",
    "FullTensorProduct",
    "PolynomialCutoff",
    "PowerSpectrum",
    "ShiftedCosine",
    "TensorProduct",
    "TensorProductConvolution",
    "TensorSquare",
    "TypeLinear",
]
