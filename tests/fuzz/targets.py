"""The public API: what the fuzz calls, with valid arguments."""

from .layer_calls import LAYERS
from .model_calls import MODELS

CALLS = LAYERS | MODELS
# functions that carry NaN through, as those of torch do
MATHEMATICS = {
    "convolution",
    "edge_vectors",
    "power spectrum",
    "tensor product",
    "gaussian_moments",
    "accumulate",
    "quaternions_to_matrices",
    "matrices_to_quaternions",
    "covariances",
    "to_body_frame",
    "torques_of_gradient",
}

# energies of particles that overlap
INFINITE = {"Gay-Berne"}
