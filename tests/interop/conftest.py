"""Fixtures of the tests of what lies beside metatensor and AniSOAP."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    """e3nn computes its D matrices in the default dtype."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(default)
