"""States in files: what is no state is refused in words, and changes nothing."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.simulation import ForceField, Langevin, RigidBodies, load_state, save_state
from repelling_disks import fluid, repulsion

__all__ = ["fluid"]


def dynamics_of(fluid: EllipsoidData) -> Langevin:
    return Langevin(
        ForceField(repulsion()),
        RigidBodies(fluid),
        0.01,
        temperature=0.6,
        friction=0.1,
        generator=torch.Generator().manual_seed(0),
    )


def altered(path: Path, **entries: Any) -> None:
    state = torch.load(path, weights_only=True)
    torch.save({name: x for name, x in (state | entries).items() if x is not None}, path)


@pytest.mark.parametrize(
    "entries",
    [
        {"positions": None},
        {"momenta": [1.0]},
        {"momenta": torch.zeros(8, 4).double()},
        {"quaternions": torch.zeros(7, 4).double()},
        {"positions": torch.zeros(8, 3, dtype=torch.int64)},
        {"n_steps": None},
        {"n_steps": 1.5},
        {"generator": torch.zeros(3)},
        {"generator": torch.zeros(3, dtype=torch.uint8)},
    ],
)
def test_wrong_parts(tmp_path: Path, fluid: EllipsoidData, entries: dict[str, Any]) -> None:
    path, dynamics = tmp_path / "a.state", dynamics_of(fluid)
    save_state(dynamics, path)
    altered(path, **entries)
    dynamics.run(3)
    before = dynamics.bodies.positions.clone(), dynamics.generator.get_state()
    with pytest.raises(ValueError, match=r"a\.state.*expected"):
        load_state(dynamics, path)
    assert dynamics.n_steps == 3
    assert torch.equal(dynamics.bodies.positions, before[0])
    assert torch.equal(dynamics.generator.get_state(), before[1])


@pytest.mark.parametrize("content", [b"", b"my own notes\n", b"\x80\x02."])
def test_other_files(tmp_path: Path, fluid: EllipsoidData, content: bytes) -> None:
    (tmp_path / "a.state").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.state is not a state of dynamics.*save_state"):
        load_state(dynamics_of(fluid), tmp_path / "a.state")


def test_a_model_is_no_state(tmp_path: Path, fluid: EllipsoidData) -> None:
    shutil.copy(tmp_path / "model.pt", tmp_path / "a.state")
    with pytest.raises(ValueError, match=r"a\.state is not a state of dynamics.*save_state"):
        load_state(dynamics_of(fluid), tmp_path / "a.state")


def test_damage(tmp_path: Path, fluid: EllipsoidData) -> None:
    """Every damaged file is refused: shorter ones, and ones with a flipped byte in the numbers."""
    path, dynamics = tmp_path / "a.state", dynamics_of(fluid)
    save_state(dynamics, path)
    whole = path.read_bytes()
    place = whole.index(dynamics.bodies.positions.numpy().tobytes()) + 7
    for damaged in (
        whole[: len(whole) // 2],
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.state.*damaged"):
            load_state(dynamics, path)


def test_another_number_of_bodies(tmp_path: Path, fluid: EllipsoidData) -> None:
    path, dynamics = tmp_path / "a.state", dynamics_of(fluid)
    save_state(dynamics, path)
    bodies = dynamics.bodies
    fields = ("positions", "quaternions", "momenta", "angular_momenta")
    altered(path, **{name: getattr(bodies, name)[:5] for name in fields})
    with pytest.raises(ValueError, match="has 5 bodies, expected 8"):
        load_state(dynamics, path)
