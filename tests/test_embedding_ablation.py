"""The ablation's models know what their names say, and results that are there are not computed again."""

import csv
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest
import torch

from anisoap_e3nn import EllipsoidData

pytest.importorskip("ase")
pytest.importorskip("matplotlib")
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def ablation(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    before = set(sys.modules)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import embedding_ablation

    yield embedding_ablation
    for name in set(sys.modules) - before:
        if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_what_energies_depend_on(ablation: ModuleType) -> None:
    """Only the blind model with plain edges does not feel how particles are turned."""
    torch.manual_seed(0)
    sites = torch.cartesian_prod(*[1.5 * torch.arange(2)] * 3)
    semiaxes = torch.tensor([0.5, 0.6, 0.9]).repeat(8, 1)
    data = EllipsoidData(sites, torch.randn(8, 4), semiaxes, torch.zeros(8, dtype=torch.int64))
    data.energy = torch.zeros(1)
    turned = data.clone()
    turned.orientations = torch.randn(8, 4)
    cases = [(first, False) for first in ablation.FIRST] + [("nothing", True)]
    for first, oriented in cases:
        potential = ablation.build(first, 3.0, oriented)
        potential.standardize([data])
        same = torch.equal(potential(data), potential(turned))
        assert same == (first == "nothing" and not oriented), first


def test_the_own_density_alone_stays_alone(ablation: ModuleType) -> None:
    """The gain of the neighbours' density is 0 and is not trained; otherwise it is."""
    for first, trained in (("own density", False), ("AniSOAP", True)):
        gain = ablation.build(first, 3.0, False).density_energy.encoding.gain
        assert gain.requires_grad == trained
        assert bool((gain != 0).all()) == trained
    assert ablation.build("shape tensor", 3.0, False).density_energy is None


def test_results_that_are_there_are_shown(
    ablation: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ablation, "errors", None)  # nothing is left to train
    with (tmp_path / "results.csv").open("w", newline="") as file:
        for first, edges, seed in product(ablation.FIRST, ablation.EDGES, (0, 1)):
            of_forces = 0.2 if first == "AniSOAP" else 0.8 + 0.1 * seed
            csv.writer(file).writerow(["pairs", edges, first, seed, 0.1, of_forces, 0.3])
    given = [str(tmp_path), "--data", "pairs", "--seeds", "0", "1"]
    monkeypatch.setattr(sys, "argv", ["embedding_ablation.py", *given])
    ablation.main()
    printed = capsys.readouterr().out
    assert "| AniSOAP | 10 ± 0 | 20 ± 0 | 30 ± 0 | 2 |" in printed
    assert "| nothing | 10 ± 0 | 85 ± 7.1 | 30 ± 0 | 2 |" in printed
    assert (tmp_path / "ablation.png").stat().st_size > 10_000
