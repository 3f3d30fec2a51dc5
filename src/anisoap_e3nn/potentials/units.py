"""Units of models, and of scripts of LAMMPS that run them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from scipy.constants import N_A, calorie, elementary_charge, kilo

_ENERGIES = {
    "kcal/mol": kilo * calorie / N_A,
    "kJ/mol": kilo / N_A,
    "eV": elementary_charge,
}  # in J
_STYLES = {"real": "kcal/mol", "metal": "eV"}  # lengths in Å
_ANGSTROM = ("Å", "angstrom", "Angstrom")


def energy_factor(of_model: str | Mapping[str, Any] | None, of_script: str) -> float:
    """Factor from energies in the units of a model to those of a script.

    Parameters
    ----------
    of_model : str, mapping or None
        Style of LAMMPS' command ``units``, or units by the names `length` and `energy`, as a training
        stores them. Without them a model is taken to be in the units of the script.
    of_script : str
        Style of the script.

    Raises
    ------
    ValueError
        If there is no conversion between the two.

    Examples
    --------
    >>> round(energy_factor("metal", "real"), 5)
    23.06055
    >>> energy_factor({"length": "Å", "energy": "kJ/mol"}, "real")
    0.239005...
    >>> energy_factor(None, "lj")
    1.0
    """
    if not of_model or of_model == of_script:
        return 1.0
    if isinstance(of_model, str):
        length, energy = ("Å", _STYLES[of_model]) if of_model in _STYLES else ("", "")
    else:
        length, energy = str(of_model.get("length", "Å")), str(of_model.get("energy"))
    if of_script not in _STYLES or length not in _ANGSTROM or energy not in _ENERGIES:
        raise ValueError(
            f"found units {of_script} in the script, expected those of the model, {of_model}; conversions "
            f"are known between real and metal, from Å and {', '.join(_ENERGIES)}"
        )
    return _ENERGIES[energy] / _ENERGIES[_STYLES[of_script]]


def energy_factors(of_model: str | Mapping[str, Any] | None) -> dict[str, float]:
    """Factors of :func:`energy_factor` for each style of LAMMPS that has one; empty without units.

    Examples
    --------
    >>> energy_factors("lj")
    {'lj': 1.0}
    >>> energy_factors(None)
    {}
    """
    if not of_model:
        return {}
    factors = {of_model: 1.0} if isinstance(of_model, str) else {}
    for style in _STYLES:
        with suppress(ValueError):  # no conversion
            factors[style] = energy_factor(of_model, style)
    return factors


def are_same(one: str | Mapping[str, Any], other: str | Mapping[str, Any]) -> bool:
    """Whether units of two models are the same, in whatever words.

    Examples
    --------
    >>> are_same("real", {"length": "Å", "energy": "kcal/mol"})
    True
    >>> are_same("real", "metal"), are_same({"energy": "epsilon"}, {"energy": "E"})
    (False, False)
    """
    factors = energy_factors(one)
    return one == other or (bool(factors) and factors == energy_factors(other))
