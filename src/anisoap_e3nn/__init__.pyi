from .data import EllipsoidData as EllipsoidData
from .interop.metatensor import e3nn_to_metatensor as e3nn_to_metatensor
from .interop.metatensor import metatensor_to_e3nn as metatensor_to_e3nn
from .nn import AniSOAPEmbedding as AniSOAPEmbedding
from .nn import PowerSpectrum as PowerSpectrum

__version__: str
