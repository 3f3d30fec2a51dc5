"""Groups of atoms: their formulas and types, and the forces and torques on them."""

from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from ..files.ase_files import calculated_targets
from ..files.stored_frame import Array
from .connectivity import Groups

_LISTED = 4  # formulas in a message


def targets_of_groups(atoms: Any, groups: Groups, whole: Array, centres: Array) -> dict[str, Array]:
    r"""Energy of a frame, and forces and torques on groups of atoms, where the atoms have them.

    .. math:: F = \sum_i f_i, \qquad \tau = \sum_i (r_i - c) \times f_i

    An energy of exactly 0 beside forces that are not zero is left out: ASE attaches it to LAMMPS dumps.

    Parameters
    ----------
    atoms : ase.Atoms
    groups : list of integer arrays
        Indices of the atoms of each group.
    whole : array ``(atoms, 3)``
        Positions, with every group in one piece.
    centres : array ``(group, 3)``
        Reference points :math:`c` of the torques.
    """
    targets = calculated_targets(atoms)
    targets.pop("stress", None)  # of rigid bodies it is another
    if "forces" not in targets:
        return targets
    forces = targets["forces"]
    if "energy" in targets and not targets["energy"].any() and forces.any():
        del targets["energy"]
    arms = whole.copy()
    for centre, group in zip(centres, groups, strict=True):
        arms[group] -= centre
    targets["forces"] = _sums(forces, groups)
    targets["torques"] = _sums(np.cross(arms, forces), groups)
    return targets


def formulas(atoms: Any, groups: Groups) -> list[str]:
    """Chemical formula of each group, in Hill order, as ASE writes it."""
    from ase.formula import Formula

    symbols = np.array(atoms.get_chemical_symbols(), dtype=object)
    return [Formula.from_list(symbols[group]).format("hill") for group in groups]


def types_of(atoms: Any, groups: Groups, types: Mapping[str, int] | None) -> list[int]:
    """Type of each group from its formula; 0 for all if there is one formula and `types` is None."""
    found = formulas(atoms, groups)
    known = dict.fromkeys(found, 0) if types is None else types
    unknown = found if types is None else [formula for formula in found if formula not in types]
    if unknown and (types is not None or len(known) > 1):
        first = groups[found.index(_by_frequency(unknown)[-1])][0]
        raise ValueError(_message(unknown, types, int(first), bool(np.any(atoms.pbc))))
    return [known[formula] for formula in found]


def _by_frequency(formulas: list[str]) -> list[str]:
    return [formula for formula, _ in Counter(formulas).most_common()]


def _message(
    unknown: list[str], types: Mapping[str, int] | None, first: int, is_periodic: bool
) -> str:
    """What formulas were found, which atom is in the rarest, what was expected, and how to mend it."""
    ordered, counts = _by_frequency(unknown), Counter(unknown)
    listed = ", ".join(f"{formula} ({counts[formula]})" for formula in ordered[:_LISTED])
    more = f" and {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else ""
    expected = "one formula" if types is None else f"only those of types, {sorted(types)}"
    mend = "give types for all of them if they are molecules"
    if not more:
        free = (k for k in count() if k not in (types or {}).values())
        wider = {**(types or {}), **{formula: next(free) for formula in sorted(ordered)}}
        words = " ".join(f"{formula}={type_}" for formula, type_ in wider.items())
        mend = f"give types={wider}, on the command line --molecule-types {words}"
    if more and not is_periodic:
        mend += "; no axis is periodic: are molecules cut at the boundary?"
    return f"found the formulas {listed}{more}, atom {first} in the rarest, expected {expected}; {mend}"


def refuse_faulty_groups(groups: Groups, number: int) -> None:
    """Refuse groups of atoms that are empty, overlap, or name atoms beyond `number`."""
    for k, group in enumerate(groups):
        if group.ndim != 1 or len(group) == 0:
            raise ValueError(
                f"group {k} is {group.tolist()}, expected one or more indices of atoms"
            )
    members = np.concatenate([*groups, np.empty(0, dtype=np.int64)])
    outside = members[(members < 0) | (members >= number)]
    if len(outside):
        raise ValueError(f"groups contain index {int(outside[0])}, expected 0..{number - 1}")
    counts = np.bincount(members, minlength=number)
    if np.any(counts > 1):
        raise ValueError(
            f"groups contain atom {int(counts.argmax())} {counts.max()} times, expected at most once"
        )


def _sums(values: Array, groups: Groups) -> Array:
    return np.array([values[group].sum(0) for group in groups]).reshape(-1, 3)  # -> [N, 3]
