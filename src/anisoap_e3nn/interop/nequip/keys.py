"""Names of the fields of ellipsoids in nequip's data."""

from typing import Final

ORIENTATIONS: Final = "orientations"
SEMIAXES: Final = "semiaxes"
TORQUES: Final = "torques"
DENSITY_ENERGY: Final = "density_energy"
