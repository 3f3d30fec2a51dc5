"""Known names of the dimensions of keys and components, and what each stands for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from e3nn.o3 import Irrep

ANGULAR = ("o3_lambda", "spherical_harmonics_l", "angular_channel")
INVERSION = ("o3_sigma", "inversion_sigma")
SPHERICAL_COMPONENTS = ("o3_mu", "spherical_harmonics_m", "spherical_component_m")
CARTESIAN_COMPONENT = "xyz"
_PLACEHOLDER = "_"  # of Labels.single()

# names in featomic, rascaline, AniSOAP and metatrain, and those from the time of librascal
_CENTERS = (
    "center_type", "center_species", "species_center", "types_center", "atom_type",
    "first_atom_type", "second_atom_type", "species_atom_1", "species_atom_2",
)  # fmt: skip
_NEIGHBORS = ("neighbor_type", "neighbor_species", "species_neighbor", "types_neighbor")
_NUMBERED_NEIGHBORS = (
    r"neighbor_\d+_(type|species)|(neighbor_type|species_neighbor|types_neighbor)_\d+"
)
_CORRELATIONS = r"order_nu|body_order|[lkn]_?\d+|angular_channel_\d+"  # of products of densities


@dataclass(frozen=True)
class KeyRoles:
    """Roles of the dimensions of the keys: l, σ, and those that become samples or properties."""

    names: tuple[str, ...]
    angular: str | None
    inversion: str | None
    to_samples: tuple[str, ...]
    to_properties: tuple[str, ...]
    unknown: tuple[str, ...]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        n_keys: int,
        to_samples: Sequence[str],
        to_properties: Sequence[str],
    ) -> "KeyRoles":
        """Assign roles by name; `to_samples` and `to_properties` take precedence over known names."""
        roles: dict[str, str] = {name: _role(name, n_keys) for name in names}
        for argument, moved in (("samples", to_samples), ("properties", to_properties)):
            for name in moved:
                if name not in names:
                    raise ValueError(
                        f"keys_to_{argument} names {name!r}, expected dimensions of the keys: {list(names)}"
                    )
                if roles[name] in ("angular", "inversion"):
                    raise ValueError(
                        f"keys_to_{argument} names {name!r}, which determines the irrep of a block: "
                        "leave it out"
                    )
                roles[name] = argument
        if both := sorted(set(to_samples) & set(to_properties)):
            raise ValueError(
                f"{both} are in keys_to_samples and in keys_to_properties, expected in one of them"
            )

        def those(role: str) -> tuple[str, ...]:
            return tuple(name for name in names if roles[name] == role)

        for role, meaning in (("angular", "l"), ("inversion", "parity")):
            if len(those(role)) > 1:
                raise ValueError(
                    f"keys hold {meaning} twice, as {list(those(role))}: drop one dimension"
                )
        angular, inversion = those("angular"), those("inversion")
        return cls(
            names=tuple(names),
            angular=angular[0] if angular else None,
            inversion=inversion[0] if inversion else None,
            to_samples=those("samples"),
            to_properties=those("properties"),
            unknown=those("unknown"),
        )

    def check_all_known(self) -> None:
        """Refuse dimensions without a role, which would get lost."""
        if self.unknown:
            raise ValueError(
                f"keys {list(self.names)} have the unknown dimensions {list(self.unknown)}: name these in "
                f"keys_to_samples or keys_to_properties. Known are l as {list(ANGULAR)}, parity as "
                f"{list(INVERSION)}, centre types as {list(_CENTERS)}, neighbour types as "
                f"{list(_NEIGHBORS)}, and names that match {_NUMBERED_NEIGHBORS}|{_CORRELATIONS}"
            )

    def entries(self, key: Sequence[int], names: Sequence[str]) -> list[int]:
        """Values of a key in the given dimensions."""
        return [int(key[self.names.index(name)]) for name in names]

    def irrep(self, key: Sequence[int], components: Sequence[str]) -> Irrep:
        """Irrep of a block, with parity p = σ (−1)^λ, where σ is 1 if the keys do not hold it."""
        entry = dict(zip(self.names, (int(value) for value in key), strict=True))
        if self.angular is not None:
            l = entry[self.angular]
        elif tuple(components) in ((), (CARTESIAN_COMPONENT,)):
            l = len(components)
        else:
            raise ValueError(
                f"keys {list(self.names)} hold no l, expected one of {list(ANGULAR)} beside "
                f"components {list(components)}"
            )
        sigma = 1 if self.inversion is None else entry[self.inversion]
        if l < 0 or sigma not in (-1, 1):
            raise ValueError(
                f"block {entry} has l < 0, or a parity that is neither 1 nor -1; correct its key"
            )
        return Irrep(l, sigma * (-1) ** l)


def check_components(names: Sequence[str], values: Sequence[Sequence[int]], irrep: Irrep) -> bool:
    """Whether a block's components are spherical, in metatensor's basis.

    Vectors x, y, z and scalars without components are not.

    Raises
    ------
    ValueError
        If components are unknown, not 2l+1, or in another order than m = −l..l.
    """
    if not names and irrep.l == 0:
        return False
    known = (*SPHERICAL_COMPONENTS, CARTESIAN_COMPONENT)
    if len(names) != 1 or names[0] not in known:
        raise ValueError(
            f"components are {list(names)}, expected one of {list(known)}, or none at all for scalars"
        )
    if len(values[0]) != irrep.dim:
        raise ValueError(
            f"{names[0]} has {len(values[0])} components, expected 2l+1 = {irrep.dim} for {irrep}"
        )
    if names[0] == CARTESIAN_COMPONENT:
        return False
    if list(values[0]) != list(range(-irrep.l, irrep.l + 1)):
        raise ValueError(
            f"{names[0]} is {list(values[0])}, expected {-irrep.l} to {irrep.l} in ascending order"
        )
    return True


def _role(name: str, n_keys: int) -> str:
    if name in ANGULAR:
        return "angular"
    if name in INVERSION:
        return "inversion"
    if name in _CENTERS:
        return "samples"
    if name in _NEIGHBORS or re.fullmatch(f"{_NUMBERED_NEIGHBORS}|{_CORRELATIONS}", name):
        return "properties"
    return "placeholder" if name == _PLACEHOLDER and n_keys < 2 else "unknown"
