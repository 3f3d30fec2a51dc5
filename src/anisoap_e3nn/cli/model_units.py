"""Units of a model on the command line: those of its checkpoint, and those of ``--units``."""

from typing import NamedTuple


class Units(NamedTuple):
    """Units of a model, beside Å and u."""

    energy: str
    kelvin: float  # k_B, energy / K
    femtosecond: float  # in sqrt(u Å² / energy)


UNITS = {
    "real": Units("kcal/mol", 0.001987204259, 1 / 48.88821291),
    "metal": Units("eV", 8.617333262e-5, 1 / 10.18050570),
}
