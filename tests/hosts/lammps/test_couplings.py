"""A LAMMPS coupled again keeps its models, and one at the place of another has none."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, succeed
from lammps_cases import MODELS
from test_ranks import own

PROGRAM = str(Path(__file__).with_name("couplings.py"))


@pytest.fixture(scope="module")
def found(files: Path) -> Any:
    command = [sys.executable, PROGRAM, str(files)]
    return json.loads(succeed(command, files, PYTHONPATH=str(ROOT)).splitlines()[-1])


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("first", "gay_berne"),
        ("next_step", "gay_berne"),
        ("other_model", "stack"),
        ("first_model", "gay_berne"),
        ("cleared", "stack"),
    ],
)
def test_models_are_those_of_all_couplings(found: Any, step: str, name: str) -> None:
    assert found[step] == pytest.approx(own(MODELS[name], "fluid")["energy"].item(), rel=1e-12)


def test_nothing_is_left_of_a_model_after_a_refusal(found: Any) -> None:
    assert "no such file: nothing" in found["no_file"]
    assert "All pair coeffs are not set" in found["after_refusal"]


def test_errors_of_programs_are_named_by_their_class(found: Any) -> None:
    assert "pair_style anisoap: KeyError: 46" in found["failing"]


@pytest.mark.parametrize("after", ["close", "deletion"])
def test_a_successor_at_the_same_address_has_no_models(found: Any, after: str) -> None:
    assert "this LAMMPS has no models" in found[f"after_{after}"]
