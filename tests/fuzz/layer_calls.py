"""Calls of data, graphs, layers and operations."""

from collections.abc import Callable
from typing import Any

import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.basis import GTOBasis, MonomialBasis, MultiWidthGTOBasis
from anisoap_e3nn.graph import VerletList, edge_vectors, edges_of, neighbor_list
from anisoap_e3nn.nn import (
    FullTensorProduct,
    PolynomialCutoff,
    ShiftedCosine,
    TensorProduct,
    TensorProductConvolution,
    TypeLinear,
    expanded_density,
    kept_density,
    suggest_hyperparameters,
)
from anisoap_e3nn.ops import accumulate, gaussian_moments

from .arguments import (
    Arguments,
    edges,
    embedding,
    frame,
    list_arguments,
    moments,
    targets_of_frame,
    vector_arguments,
)

LAYERS: dict[str, tuple[Callable[..., Any], Callable[[], Arguments]]] = {
    "EllipsoidData": (EllipsoidData, targets_of_frame),
    "with_edges": (lambda cutoff: frame().with_edges(cutoff), lambda: {"cutoff": 2.5}),
    "neighbor_list": (neighbor_list, list_arguments),
    "edge_vectors": (edge_vectors, vector_arguments),
    "edges_of": (edges_of, lambda: {"data": frame(), "cutoff": 2.5}),
    "VerletList": (VerletList, lambda: {"cutoff": 2.5, "skin": 0.3}),
    "AniSOAPEmbedding": (
        AniSOAPEmbedding,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "max_angular": 1,
            "max_radial": [1, 1],
            "radial_basis": "gto",
            "radial_gaussian_width": 1.0,
            "density_width": 0.5,
            "rcond": 1e-8,
            "cutoff_function": "polynomial",
            "include_self": "separate",
            "irreps_out": "2x0e",
            "per_center_type": False,
        },
    ),
    "embedding": (lambda **given: embedding()(**given), edges),
    "embedding of data": (lambda data: embedding()(data), lambda: {"data": frame()}),
    "GTOBasis": (GTOBasis, lambda: {"width": 1.0}),
    "MultiWidthGTOBasis": (MultiWidthGTOBasis, lambda: {"widths": [1.0, 0.5]}),
    "MonomialBasis": (MonomialBasis, lambda: {"cutoff": 1.0}),
    "ShiftedCosine": (ShiftedCosine, lambda: {"cutoff": 1.0}),
    "PolynomialCutoff": (PolynomialCutoff, lambda: {"cutoff": 1.0, "p": 6}),
    "PowerSpectrum": (
        PowerSpectrum,
        lambda: {
            "irreps_in": "2x0e+2x1o",
            "irreps_in2": "2x0e",
            "filter_ir_out": ["0e"],
            "l_max": 1,
            "channels": "outer",
            "symmetric": True,
            "weights": (2, "1x0e"),
        },
    ),
    "power spectrum": (
        lambda **given: PowerSpectrum("2x0e+1x1o", "1x0e")(**given),
        lambda: {"x": torch.ones(4, 5), "y": torch.ones(4, 1)},
    ),
    "TensorProduct": (
        TensorProduct,
        lambda: {
            "irreps_in1": "2x1o",
            "irreps_in2": "1x1o",
            "irreps_out": "2x0e",
            "instructions": [(0, 0, 0, "uvu", True)],
            "in1_var": [1.0],
            "in2_var": [1.0],
            "out_var": [1.0],
            "irrep_normalization": "component",
            "path_normalization": "element",
            "internal_weights": True,
            "shared_weights": True,
            "layout": "mul_ir",
        },
    ),
    "FullTensorProduct": (
        FullTensorProduct,
        lambda: {
            "irreps_in1": "2x1o",
            "irreps_in2": "1x1o",
            "filter_ir_out": ["0e"],
            "irrep_normalization": "component",
            "layout": "mul_ir",
        },
    ),
    "tensor product": (
        lambda **given: TensorProduct(
            "2x1o", "1x1o", "2x0e", [(0, 0, 0, "uvu", True)], internal_weights=False
        )(**given),
        lambda: {"x1": torch.ones(4, 6), "x2": torch.ones(4, 3), "weight": torch.ones(2)},
    ),
    "TensorProductConvolution": (
        TensorProductConvolution,
        lambda: {
            "irreps_in1": "2x1o",
            "irreps_in2": "1x1o",
            "irreps_out": "2x0e",
            "instructions": [(0, 0, 0, "uvu", True)],
            "irrep_normalization": "component",
            "path_normalization": "element",
        },
    ),
    "convolution": (
        lambda **given: TensorProductConvolution("2x1o", "1x1o", "2x0e", [(0, 0, 0, "uvu", True)])(
            **given
        ),
        lambda: {
            "x": torch.ones(4, 6),
            "harmonics": torch.ones(5, 3),
            "weights": torch.ones(5, 2),
            "edge_index": torch.tensor([[0, 1, 2, 3, 0], [1, 0, 0, 2, 3]]),
        },
    ),
    "suggest_hyperparameters": (
        suggest_hyperparameters,
        lambda: {"frames": [frame()], "cutoff": 2.5},
    ),
    "kept_density": (kept_density, lambda: {"embedding": embedding(), "data": frame()}),
    "expanded_density": (
        expanded_density,
        lambda: {
            "embedding": embedding(),
            "coefficients": embedding()(frame()),
            "points": torch.zeros(2, 3),
        },
    ),
    "TypeLinear": (
        TypeLinear,
        lambda: {"irreps_in": "2x0e", "irreps_out": "1x0e", "n_types": 2},
    ),
    "gaussian_moments": (gaussian_moments, moments),
    "accumulate": (
        accumulate,
        lambda: {
            "X1": torch.ones(2, 3),
            "X2": torch.ones(2, 3),
            "idx_output": torch.tensor([0, 1]),
            "output_size": 2,
            "idx_1": torch.tensor([0, 1]),
            "idx_2": torch.tensor([1, 2]),
            "multipliers": torch.ones(2),
        },
    ),
}
