"""The loss of training: its value, and the frames that it refuses."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss, predict, r_squared
from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
from anisoap_e3nn.potentials import Mechanics, mechanics


@pytest.fixture
def pairs() -> list[EllipsoidData]:
    return gay_berne_pairs(sizes=(30, 0, 0)).train


def worse(result: Mechanics) -> Mechanics:
    return result._replace(energy=1.1 * result.energy, torques=0.9 * result.torques)


def test_shares_of_the_variance(pairs: list[EllipsoidData]) -> None:
    """Without weights the loss of all frames is the sum of 1 - R², as another function has it."""
    potential = triaxial_gay_berne(cutoff=3.5)  # cuts some of the pairs off
    cut = [pair for pair in pairs if pair.pos[1].norm() > 1.7]
    loss = MechanicsLoss(cut)
    found = loss(predict(potential, cut), Batch.from_data_list(cut))
    wrong = worse(predict(potential, cut))
    expected = 3 - sum(r_squared(potential, cut))
    torch.testing.assert_close(float(found), expected, atol=1e-10, rtol=0)
    means = wrong.energy / 2 - Batch.from_data_list(cut).energy / 2
    share = means.square().mean() / (Batch.from_data_list(cut).energy / 2).var(correction=0)
    only_energy = MechanicsLoss(cut, {"forces": 0.0, "torques": 0.0})
    torch.testing.assert_close(only_energy(wrong, Batch.from_data_list(cut)), share)


def test_weights_and_single_frames(pairs: list[EllipsoidData]) -> None:
    potential, pair = triaxial_gay_berne(cutoff=4.0), pairs[0]
    wrong = worse(mechanics(potential, pair))
    names = ("energy", "forces", "torques")
    alone = [{other: float(other == name) for other in names} for name in names]
    parts = [float(MechanicsLoss(pairs, weights)(wrong, pair)) for weights in alone]
    assert parts[0] > 0
    assert parts[1] < 1e-20
    assert parts[2] > 0
    both = MechanicsLoss(pairs, {"torques": 3.0})(wrong, pair)
    torch.testing.assert_close(float(both), parts[0] + parts[1] + 3 * parts[2])


def test_energies_alone(pairs: list[EllipsoidData]) -> None:
    for pair in pairs:
        del pair.forces, pair.torques
    loss = MechanicsLoss(pairs)
    assert loss.targets == ["energy"]
    result = predict(triaxial_gay_berne(cutoff=4.0), pairs)
    assert loss(result, Batch.from_data_list(pairs)) < 1e-20


def test_targets_that_do_not_vary(pairs: list[EllipsoidData]) -> None:
    for pair in pairs:
        pair.torques.zero_()
    result = predict(triaxial_gay_berne(cutoff=4.0), pairs)
    assert MechanicsLoss(pairs)(result, Batch.from_data_list(pairs)).isfinite()


def without_forces(pair: EllipsoidData) -> None:
    del pair.forces


def without_energy(pair: EllipsoidData) -> None:
    del pair.energy


def not_a_number(pair: EllipsoidData) -> None:
    pair.torques[1, 2] = float("nan")


def of_other_shape(pair: EllipsoidData) -> None:
    pair.forces = pair.forces.flatten()


def single_target(pair: EllipsoidData) -> None:
    pair.energy = pair.energy.float()


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (without_forces, ValueError, r"\['energy', 'torques'\] in frame 7 .*'forces'.* in the first"),
        (without_energy, ValueError, r"\['forces', 'torques'\] in frame 7"),
        (not_a_number, ValueError, "torques of frame 7 is NaN or infinite"),
        (of_other_shape, ValueError, r"forces of frame 7 has shape \(6,\), expected \(2, 3\)"),
        (single_target, TypeError, "'energy': torch.float32.*in frame 7"),
    ],
)  # fmt: skip
def test_bad_frames_are_refused(
    pairs: list[EllipsoidData],
    damage: Callable[[EllipsoidData], None],
    error: type[Exception],
    message: str,
) -> None:
    pairs[7] = copy.copy(pairs[7])
    damage(pairs[7])
    with pytest.raises(error, match=message):
        MechanicsLoss(pairs)


def test_no_frames_and_bad_weights_are_refused(pairs: list[EllipsoidData]) -> None:
    with pytest.raises(ValueError, match="found no frames"):
        MechanicsLoss([])
    for weights in ({"stress": 1.0}, {"energy": -1.0}, {"energy": float("nan")}):
        with pytest.raises(ValueError, match=r"expected .*finite numbers? ≥ 0"):
            MechanicsLoss(pairs, weights)
