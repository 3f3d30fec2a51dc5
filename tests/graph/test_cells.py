"""Closed forms of cells against NumPy's linear algebra."""

import numpy as np

from anisoap_e3nn.graph.cells import clearly_independent, heights, volume


def test_cells_are_those_of_linear_algebra() -> None:
    random = np.random.default_rng(7)
    for cell in random.standard_normal((20, 3, 3)):
        np.testing.assert_allclose(volume(cell), abs(np.linalg.det(cell)), rtol=1e-10)
        expected = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        np.testing.assert_allclose(heights(cell), expected, rtol=1e-10)
        lengths = np.linalg.svd(cell, compute_uv=False)
        assert clearly_independent(cell) == (lengths.prod() > 1e-6 * np.abs(cell).max() ** 3)
        flat = cell.copy()
        flat[2] = flat[0] - flat[1]
        assert not clearly_independent(flat)
        assert not clearly_independent(np.nan * cell)
        assert not clearly_independent(np.inf * cell)
