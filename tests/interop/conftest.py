"""Fixtures of the tests of what lies beside metatensor and AniSOAP."""

from typing import Any

import numpy as np
import pytest
import torch

from ellipsoid_atoms import MODELS, shaken_lattice


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


@pytest.fixture
def atoms(rng: np.random.Generator) -> Any:
    """Ellipsoids as ASE's atoms, triclinic and periodic."""
    return shaken_lattice(rng)


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> torch.nn.Module:
    """The exact potential, a stack, a component alone, and networks."""
    return MODELS[request.param]()
