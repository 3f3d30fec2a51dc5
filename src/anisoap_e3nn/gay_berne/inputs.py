"""What the Gay-Berne potential refuses, and what it says then."""

import math
from collections.abc import Sequence

import numpy.typing as npt
import torch
from torch import Tensor

Reals = float | Tensor | npt.ArrayLike


def distinct_types(types: Sequence[int], sphere_types: Sequence[int]) -> list[int]:
    """The types, if they are different and `sphere_types` are among them."""
    values = [int(type_) for type_ in types]
    if not values or len(set(values)) != len(values):
        raise ValueError(f"types is {values}, expected one or more different integers")
    if not set(sphere_types) <= set(values):
        raise ValueError(f"sphere_types is {list(sphere_types)}, expected some of types={values}")
    return values


def positive(name: str, value: float) -> float:
    """The number, if it is one that is finite and > 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}, expected a finite number > 0")
    return float(value)


def of_pairs_of_types(name: str, values: Reals, n_types: int) -> Tensor:
    """One number for each pair of types, those of the types mixed geometrically -> [type, type]."""
    numbers = _positive_numbers(name, values)
    if numbers.shape in ((), (n_types,)):
        of_types = numbers.expand(n_types).sqrt()
        numbers = torch.outer(of_types, of_types)
    if numbers.shape != (n_types, n_types):
        raise ValueError(
            f"{name} has shape {tuple(numbers.shape)}, expected (), ({n_types},) or "
            f"{(n_types, n_types)} for {n_types} types"
        )
    if not torch.equal(numbers, numbers.T):
        raise ValueError(f"{name} is {numbers.tolist()}, expected a symmetric matrix")
    return numbers


def of_axes(name: str, values: Reals, is_sphere: Tensor) -> Tensor:
    """One number for each axis of each type, equal ones for spheres -> [type, 3]."""
    n_types = len(is_sphere)
    numbers = _positive_numbers(name, values)
    if numbers.shape not in ((), (3,), (n_types, 3)):
        raise ValueError(
            f"{name} have shape {tuple(numbers.shape)}, expected (), (3,) or {(n_types, 3)} for "
            f"{n_types} types"
        )
    numbers = numbers.expand(n_types, 3).clone()
    if not _all_equal(numbers[is_sphere]).all():
        raise ValueError(f"{name} are {numbers.tolist()}, expected equal ones for sphere_types")
    return numbers


def check_edges(edge_vectors: Tensor, edge_index: Tensor) -> None:
    """Refuses particles in the same place."""
    same = (edge_vectors == 0).all(1)  # -> [edge]
    if same.any():
        pair = edge_index[:, same.nonzero()[0, 0]].tolist()
        raise ValueError(f"particles {pair} are in the same place, where there is no energy")


def check_particles(
    types: Tensor, known: Tensor, orientations: Tensor, semiaxes: Tensor, is_sphere: Tensor
) -> None:
    """Refuses types that are not `known`, points, disks and needles, and spheres that are none."""
    n = len(types)
    if semiaxes.shape != (n, 3) or orientations.shape[:1] != (n,):
        raise ValueError(
            f"orientations have shape {tuple(orientations.shape)} and semiaxes "
            f"{tuple(semiaxes.shape)}, expected one of each, {(n, 4)} or {(n, 3, 3)} and {(n, 3)}, "
            f"for {n} types"
        )
    matches = torch.eq(types[:, None], known)  # -> [particle, type]
    if not matches.any(1).all():
        unknown = sorted(set(types.tolist()) - set(known.tolist()))
        raise ValueError(f"unknown particle types {unknown}: there are {known.tolist()}")
    _refuse(
        ~(semiaxes > 0).all(1),
        "lengths > 0, since Gay-Berne particles extend along every axis",
        semiaxes,
    )
    spheres = matches[:, is_sphere].any(1)  # -> [particle]
    _refuse(
        spheres & ~_all_equal(semiaxes),
        f"three equal ones of sphere_types {known[is_sphere].tolist()}",
        semiaxes,
    )


def _all_equal(axes: Tensor) -> Tensor:
    """Whether the three numbers of each row are equal."""
    return axes.amax(1) == axes.amin(1)  # -> [row]


def _refuse(faulty: Tensor, expected: str, semiaxes: Tensor) -> None:
    if faulty.any():
        row = int(faulty.nonzero()[0])
        raise ValueError(f"semiaxes[{row}] is {semiaxes[row].tolist()}, expected {expected}")


def _positive_numbers(name: str, values: Reals) -> Tensor:
    numbers = torch.as_tensor(values, dtype=torch.float64)
    if not ((numbers > 0) & numbers.isfinite()).all():
        raise ValueError(f"{name} is {numbers.tolist()}, expected finite numbers > 0")
    return numbers
