"""Checks of the parameters and particles of the Gay-Berne potential."""

from collections.abc import Sequence

import numpy.typing as npt
import torch
from torch import Tensor

from ..arguments import integers
from ..graph import one_of_each_pair
from ..ops.backends.pair_native import PairInputs
from ..tensor_arguments import check_indices, check_numbers, check_shape, check_tensors
from ..tracing import assert_on_gpu, is_readable

Reals = float | Tensor | npt.ArrayLike


def known_sphere_types(types: Sequence[int], sphere_types: Sequence[int]) -> list[int]:
    """The `sphere_types` in the order of `types`, which hold all of them."""
    sphere_types = integers("sphere_types", sphere_types)
    if not set(sphere_types) <= set(types):
        raise ValueError(f"sphere_types is {list(sphere_types)}, expected some of types={types}")
    return [type_ for type_ in types if type_ in sphere_types]


def of_pairs_of_types(name: str, values: Reals, n_types: int) -> Tensor:
    """One number for each pair of types ``(type, type)``; numbers of types mix geometrically."""
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
    """One number for each axis of each type ``(type, 3)``; the three of a sphere are equal."""
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


def check_edges(inputs: PairInputs) -> None:
    """Refuse edges and particles of the wrong types or shapes."""
    types, _, orientations, semiaxes, edge_vectors, edge_index, *_ = inputs
    check_numbers(edge_vectors=edge_vectors, orientations=orientations, semiaxes=semiaxes)
    check_tensors(edge_vectors=edge_vectors, edge_index=edge_index, types=types)
    check_shape("edge_vectors", edge_vectors, (-1, 3))
    check_shape("types", types, (-1,))
    check_indices((2, edge_vectors.shape[0]), types.shape[0], edge_index=edge_index)


def refuse_nan(energies: Tensor) -> None:
    """Refuse energies that are NaN, except while a tracer is at work, and on GPUs."""
    if is_readable(energies) and energies.isnan().any():
        raise ValueError(
            f"energies are NaN in {energies.dtype}, expected semiaxes whose products it can represent; use "
            ".double(), or another unit of length"
        )


def checked_pairs(edge_index: Tensor, edge_vectors: Tensor) -> Tensor:
    """Positions of one edge of each pair, if edges come in both directions and no vector is zero."""
    same = (edge_vectors == 0).all(1)  # -> [edge]
    if same.any():
        pair = edge_index[:, same.nonzero()[0, 0]].tolist()
        raise ValueError(f"particles {pair} are in the same place, where there is no energy")
    once = one_of_each_pair(edge_index, edge_vectors)
    n_reverse = edge_index.shape[1] - len(once)
    if len(once) != n_reverse:
        raise ValueError(
            f"edge_index has {len(once)} edges in one direction and {n_reverse} in the other, expected "
            "both directions of each pair"
        )
    return once


def check_particles(
    type_index: Tensor, orientations: Tensor, semiaxes: Tensor, is_sphere: Tensor
) -> None:
    """Refuse points, disks and needles, and particles of sphere types that are not spheres."""
    check_numbers(orientations=orientations, semiaxes=semiaxes)
    n = len(type_index)
    shapes = (n, 4), (n, 3, 3)
    if semiaxes.shape != (n, 3) or orientations.shape not in shapes:
        raise ValueError(
            f"orientations have shape {tuple(orientations.shape)} and semiaxes "
            f"{tuple(semiaxes.shape)}, expected one of each, {(n, 4)} or {(n, 3, 3)} and {(n, 3)}, "
            f"for {n} types"
        )
    if not is_readable(semiaxes):
        assert_on_gpu(
            semiaxes, lambda a: a > 0, "semiaxes are zero, negative or NaN, expected lengths > 0"
        )
        unequal = "semiaxes of a particle of sphere_types differ, expected equal ones"
        assert_on_gpu(semiaxes, lambda a: ~is_sphere[type_index] | _all_equal(a), unequal)
        return
    if not orientations.isfinite().all() or (orientations == 0).flatten(1).all(1).any():
        raise ValueError(
            "orientations are zero, NaN or infinite for some particle, expected rotations"
        )
    _refuse(
        ~((semiaxes > 0) & semiaxes.isfinite()).all(1),
        "finite lengths > 0, since Gay-Berne particles extend along every axis",
        semiaxes,
    )
    _refuse(
        is_sphere[type_index] & ~_all_equal(semiaxes),
        "three equal ones, since its type is one of sphere_types",
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
    try:
        numbers = torch.as_tensor(values, dtype=torch.float64, device="cpu")
        numbers = numbers.detach().clone() + 0
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise TypeError(f"{name} is {values!r:.100}, expected numbers > 0") from error
    if isinstance(values, bool | str) or numbers.layout != torch.strided:
        raise TypeError(f"{name} is {values!r:.100}, expected numbers > 0")
    if not ((numbers > 0) & numbers.isfinite()).all():
        raise ValueError(f"{name} is {numbers.tolist()}, expected finite numbers > 0")
    return numbers
