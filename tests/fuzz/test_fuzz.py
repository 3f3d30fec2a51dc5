"""A short fuzz; ``python -m tests.fuzz`` is the long one."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.calls import odd_call
from tests.fuzz.files import damaged_file
from tests.fuzz.models import damaged_model

quickly = settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@given(st.randoms(use_true_random=False))
@quickly
def test_odd_calls(choose: random.Random) -> None:
    case = odd_call(choose)
    assert case.fault is None, case.description


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files(seed: int) -> None:
    case = damaged_file(random.Random(seed))
    assert case.fault is None, case.description


@pytest.mark.parametrize("seed", range(40))
def test_damaged_models(seed: int) -> None:
    case = damaged_model(random.Random(seed))
    assert case.fault is None, case.description
