"""Checkpoints of the Gay-Berne potential, alone and as a term of a stack."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.potentials import (
    OneBodyPotential,
    StackedPotential,
    load_model,
    mechanics,
    save_model,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("stacked", [False, True], ids=["alone", "stacked"])
def test_gay_berne_comes_back(
    stacked: bool, dtype: torch.dtype, tmp_path: Path, frames: dict[str, EllipsoidData]
) -> None:
    model: Any = GayBerne(
        np.array([6, 1]),
        6.0,
        epsilon=[1.0, 0.3],
        sigma=torch.tensor([[0.5, 0.6], [0.6, 0.7]]),
        well_depths=[[1.0, 0.7, 0.1], [1.0, 1.0, 1.0]],
        mu=1.5,
        smoothing_width=0.5,
    )
    if stacked:
        model = StackedPotential([model, OneBodyPotential([1, 6])])
        torch.nn.init.normal_(model.components[1].weights)
    model = model.to(dtype)
    save_model(model, tmp_path / "model.pt")
    loaded = load_model(tmp_path / "model.pt")
    assert repr(loaded) == repr(model)
    assert {x.dtype for x in loaded.state_dict().values()} == {dtype, torch.uint8}
    data = frames["open"]
    for name in ("pos", "orientations", "semiaxes", "cell"):
        data[name] = data[name].to(dtype)
    data.pos = 3 * data.pos
    ours, theirs = mechanics(model, data), mechanics(loaded, data)
    assert ours.energy.isfinite().all()
    assert ours.torques.abs().max() > 1e-3
    assert all(map(torch.equal, ours, theirs))


def test_other_spheres_are_refused() -> None:
    state = GayBerne([6, 1], 4.0, sphere_types=[6]).state_dict()
    assert {"epsilon", "sigma", "well_depths", "_extra_state"} == set(state)
    with pytest.raises(ValueError, match=r"sphere_types=\[6\] \(here \[\]\)"):
        GayBerne([6, 1], 4.0).load_state_dict(state)
