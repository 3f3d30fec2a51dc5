"""Equivariance: rotations, reflections, translations, permutations."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from e3nn import o3
from torch import Tensor

from ..default_dtype import default_dtype
from ..geometry import quaternions_to_matrices
from ..graph import frame_index
from ..potentials import mechanics
from .comparison import Comparison
from .moves import half_turned, moved_to_images, permuted, transformed, translated
from .results import Results, output_of, random_numbers

OPERATIONS = ("rotations", "reflections", "translations", "images", "permutations", "half turns")
_FAR = 10.0  # a length


def check_equivariance(
    model: Callable[[Any], Tensor],
    data: Any,
    *,
    irreps_out: o3.Irreps | str | None = None,
    operations: Iterable[str] = OPERATIONS,
    tolerance: float = 1e-10,
    generator: torch.Generator | None = None,
) -> float:
    r"""Check that energies are invariant, and that forces, torques, virial or features follow the data.

    Under an orthogonal matrix S,

    .. math::
        E \to E, \qquad f_i \to S f_i, \qquad \tau_i \to \det(S) \, S \tau_i, \qquad
        W \to S W S^\top, \qquad x_i \to D(S) x_i

    where :math:`r \to S r`, cells turn along, and :math:`R_i \to \det(S) \, S R_i`: an ellipsoid is its own
    mirror image, so that its axes may turn as pseudovectors do.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``, or with `irreps_out` to features.
    data : EllipsoidData or a Batch of them
        In float64, of particles that interact. Other fields of particles are permuted, but not rotated.
    irreps_out : Irreps or str, optional
        Of features ``(N, irreps_out.dim)``. Without it the model returns energies, and
        :func:`~anisoap_e3nn.potentials.mechanics` are compared.
    operations : iterable of str
        Some of :data:`OPERATIONS`: "rotations"; "reflections", the inversion among them; "translations" of
        whole frames; "images", particles moved by lattice vectors along periodic axes; "permutations" of the
        particles of a frame; "half turns" of half of the particles about their own axes, with quaternions of
        other norm and sign.
    tolerance : float
        Largest deviation, relative to the largest value of the quantity, and at least to a thousandth of the
        largest value of all.
    generator : torch.Generator, optional
        Of the random operations; by default they are the same every time.

    Returns
    -------
    float
        Largest deviation under any of the operations.

    Raises
    ------
    AssertionError
        If a deviation exceeds the tolerance, with the operation, the quantity and its index.
    ValueError
        For unknown operations, and for other outputs than energies where `irreps_out` is not given.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> (pair,), _, _ = gay_berne_pairs(sizes=(1, 0, 0), dtype=torch.float64)
    >>> check_equivariance(triaxial_gay_berne(cutoff=5.0), pair) < 1e-10
    True
    >>> check_equivariance(lambda data: data.pos[:, 2], pair, operations=["translations"])
    Traceback (most recent call last):
    AssertionError: after a translation, ...does the model see absolute positions?
    """
    chosen = tuple(operations)
    if unknown := set(chosen) - set(OPERATIONS):
        raise ValueError(f"operations are {chosen}, expected some of {OPERATIONS}: {unknown}")
    irreps = None if irreps_out is None else o3.Irreps(irreps_out)
    before = _results_of(model, data, irreps)
    comparison = Comparison(tolerance)
    for operation in _operations(data, chosen, random_numbers(generator)):
        after = _results_of(model, operation.data, irreps)
        expected = _transformed_results(before, operation, irreps)
        comparison.results(after, expected, f"after {operation.name}", hint=operation.hint)
    return comparison.largest


class _Operation(NamedTuple):
    name: str
    data: Any
    hint: str
    matrix: Tensor | None = None  # [3, 3]
    order: Tensor | None = None  # [particle]


def _operations(
    data: Any, chosen: tuple[str, ...], random: torch.Generator
) -> Iterator[_Operation]:
    frames, n_frames = frame_index(data)
    n, device = len(frames), data.pos.device
    if "rotations" in chosen:
        for _ in range(2):
            S = _random_rotation(random)
            hint = "do all vectors and tensors turn with the frame?"
            yield _Operation("a rotation", transformed(data, S.to(data.pos)), hint, S)
    if "reflections" in chosen:
        hint = "do parities match, even for torques and axes of ellipsoids?"
        S = -torch.eye(3, dtype=torch.float64)
        yield _Operation("an inversion", transformed(data, S.to(data.pos)), hint, S)
        S = _random_rotation(random) @ torch.diag(torch.tensor([1.0, 1.0, -1.0]).double())
        yield _Operation("a rotation and reflection", transformed(data, S.to(data.pos)), hint, S)
    if "translations" in chosen:
        shifts = _FAR * torch.randn(n_frames, 3, dtype=torch.float64, generator=random)
        hint = "does the model see absolute positions?"
        yield _Operation("a translation", translated(data, shifts), hint)
    if "images" in chosen and data.pbc.any():
        cells = torch.randint(-2, 3, (n, 3), generator=random)
        hint = "do vectors of edges have their periodic shifts?"
        yield _Operation("moves by lattice vectors", moved_to_images(data, cells), hint)
    if "permutations" in chosen:
        hint = "does the model depend on the order of particles?"
        order = _random_order(frames.cpu(), random).to(device)
        yield _Operation("a permutation", permuted(data, order), hint, order=order)
    if "half turns" in chosen:
        hint = "does the model tell the ends of an axis apart, or norms of quaternions?"
        for axis in range(3):
            half = torch.randperm(n, generator=random)[: (n + 1) // 2].to(device)
            yield _Operation("half turns", half_turned(data, axis, half), hint)


def _results_of(model: Callable[[Any], Tensor], data: Any, irreps: o3.Irreps | None) -> Results:
    if irreps is None:
        return mechanics(model, data)._asdict()
    with torch.no_grad():
        features = output_of(model, data)
    expected = (len(data.types), irreps.dim)
    if features.shape != expected:
        raise AssertionError(
            f"features have shape {tuple(features.shape)}, expected {expected} for irreps_out={irreps}"
        )
    return {"features": features}


def _transformed_results(
    results: Results, operation: _Operation, irreps: o3.Irreps | None
) -> Results:
    if operation.order is not None:
        of_particles = {"forces", "torques", "energies", "features"}
        return {k: x[operation.order] if k in of_particles else x for k, x in results.items()}
    if operation.matrix is None:
        return results
    S = operation.matrix
    if irreps is not None:
        with default_dtype(torch.float64):  # in which e3nn computes D, whatever S is
            D = irreps.D_from_matrix(S)
        return {"features": results["features"] @ D.T.to(results["features"])}
    S = S.to(results["forces"])
    return results | {
        "forces": results["forces"] @ S.T,
        "torques": results["torques"] @ S.T * torch.linalg.det(S),
        "virial": S @ results["virial"] @ S.T,
        "stress": S @ results["stress"] @ S.T,
    }


def _random_rotation(random: torch.Generator) -> Tensor:
    quaternion = torch.randn(4, dtype=torch.float64, generator=random)
    return quaternions_to_matrices(quaternion)  # -> [3, 3]


def _random_order(frames: Tensor, random: torch.Generator) -> Tensor:
    """A permutation ``(N,)`` within frames, not the identity if there is another."""
    numbers = torch.rand(len(frames), dtype=torch.float64, generator=random)
    order = (frames + numbers).argsort()
    unchanged = torch.equal(order, torch.arange(len(frames)))
    return (frames - numbers).argsort() if unchanged else order
