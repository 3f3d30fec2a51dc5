"""Units of a model on the command line: those of its checkpoint, and those of ``--units``."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .printing import print_message


class Units(NamedTuple):
    """Units of a model, beside Å and u."""

    energy: str
    kelvin: float  # k_B, energy / K
    femtosecond: float  # in sqrt(u Å² / energy)


UNITS = {
    "real": Units("kcal/mol", 0.001987204259, 1 / 48.88821291),
    "metal": Units("eV", 8.617333262e-5, 1 / 10.18050570),
}
_ASSUMED = "real"  # of checkpoints without units


def units_of_model(model: Path, given: str | None) -> Units:
    """Units of a checkpoint: those it names, else those given, else kcal/mol and Å.

    Where nothing is known, one line on standard error says what is assumed.

    Parameters
    ----------
    model : Path
        Checkpoint. The entry `units` of its metadata is a key of ``UNITS``, or units by the names `length`
        and `energy`, as a training stores them.
    given : str or None
        Key of ``UNITS``.

    Raises
    ------
    ValueError
        If the units of the checkpoint are not among ``UNITS``, or are not those given.
    """
    from ..potentials import read_metadata
    from ..potentials.units import energy_factors

    found = read_metadata(model).get("units")
    if not found:
        if given is None:
            print_message(
                "warning",
                f"found no units in {model}; energies are taken to be in {UNITS[_ASSUMED].energy} and "
                f"lengths in Å; choose with --units {' or '.join(UNITS)}",
            )
        return UNITS[given or _ASSUMED]
    factors = energy_factors(found) if isinstance(found, str | Mapping) else {}
    style = next((name for name in UNITS if factors.get(name) == 1.0), None)
    if style is None:
        known = " or ".join(f"{units.energy} and Å" for units in UNITS.values())
        raise ValueError(
            f"found the units {found} in {model}, expected {known}; fit the model on data in these, or, "
            'if it is in them, save it again with save_model(..., metadata={"units": "real"}) or "metal"'
        )
    if given not in (None, style):
        raise ValueError(
            f"found --units {given}, expected {style}, since {model} is in {UNITS[style].energy} and Å; "
            "leave --units out"
        )
    return UNITS[style]
