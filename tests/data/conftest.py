import numpy as np
import pytest
from scipy.spatial.transform import Rotation


@pytest.fixture
def rng():
    return np.random.default_rng(6)


@pytest.fixture
def ellipsoids(rng):
    """Positions, rotations and semi-axes of six ellipsoids, as SciPy and NumPy know them."""
    return 9 * rng.random((6, 3)), Rotation.random(6, random_state=1), 0.5 + rng.random((6, 3))
