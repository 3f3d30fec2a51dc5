"""Other packages beside the embedding, where they are installed. One thread, float64.

Only AniSOAP computes the same numbers, and is checked against ours. The others expand the density of points
or of equal spheres, which shows what an expansion costs without ellipsoids. featomic and AniSOAP search
neighbours within the timed call; the others are given the pairs, as ours is. e3nn and sphericart bring
spherical harmonics; radial functions, products and sums are plain torch around them.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from anisoap_e3nn.conventions import wiki_to_e3nn
from anisoap_e3nn.geometry import rotation_matrices

from ..systems import simple_cubic
from ..timing import interleaved_times
from .modes import CUTOFF, WIDTH, Problem, checked_routes, why_left_out
from .results import Measurement, Result
from .sweeps import Settings

Work = Callable[[], Any]
Harmonics = Callable[[Tensor], Tensor]  # vectors (pair, 3) -> (pair, (l_max + 1)²)


def sweep_peers(settings: Settings) -> Result:
    """Time of every peer that is installed, beside ours."""
    result = Result("peers")
    problem = Problem(simple_cubic((5, 5, 4) if settings.quick else (10, 10, 10)))
    few = Problem(simple_cubic((3, 3, 3), n_species=1))  # AniSOAP takes as long as numpy_only
    work: dict[str, Work] = {}
    if why := why_left_out("native"):
        result.leave_out("native", why)
    else:
        routes, _ = checked_routes(["native"], problem)
        work["native"] = routes["native"].run
    for name, (packages, build) in PEERS.items():
        if missing := next((each for each in packages if not find_spec(each)), None):
            result.leave_out(name, f"{missing} is not installed")
        else:
            work[name] = build(few if name == "anisoap" else problem)
    result.leave_out(
        "cuequivariance",
        "it expands no densities; its products are timed by benchmarks.clebsch_gordan, "
        "benchmarks.gpu_clebsch_gordan and benchmarks.gpu_convolution",
    )
    for name, times in interleaved_times(work, settings.rounds, "peers").items():
        system = few if name == "anisoap" else problem
        n_particles = len(system.system.types)
        measured = Measurement(
            name, times, n_particles, system.n_pairs, len(system.embedding.types)
        )
        result.measurements.append(measured)
    return result


def points(problem: Problem, harmonics: Harmonics) -> Work:
    """Expansion of points: Gaussians of the distance times harmonics, summed for each neighbour type."""
    from e3nn.math import soft_one_hot_linspace

    inputs, types = problem.inputs, problem.embedding.types
    vectors, (neighbors, centers) = inputs["edge_vectors"], inputs["edge_index"]
    segments = centers * len(types) + problem.embedding.type_index(inputs["types"])[neighbors]
    counts = [mul // len(types) for mul, _ in problem.embedding.irreps_coefficients]
    sizes = [2 * l + 1 for l in range(len(counts))]

    def run() -> Tensor:
        radial = soft_one_hot_linspace(
            vectors.norm(dim=1), 0.0, CUTOFF, max(counts), basis="gaussian", cutoff=False
        )  # -> [pair, n]
        parts = zip(counts, harmonics(vectors).split(sizes, dim=1), strict=True)
        products = [
            (radial[:, :count, None] * Y[:, None]).flatten(1) for count, Y in parts
        ]  # -> [pair, n · m]
        pairs = torch.cat(products, 1)
        sums = pairs.new_zeros(len(inputs["types"]) * len(types), pairs.shape[1])
        return sums.index_add_(0, segments, pairs)

    return run


def e3nn(problem: Problem) -> Work:
    """Harmonics of e3nn."""
    from e3nn import o3

    ls = list(range(problem.max_angular + 1))
    return points(problem, lambda r: o3.spherical_harmonics(ls, r, True, normalization="integral"))


def sphericart(problem: Problem) -> Work:
    """Harmonics of sphericart."""
    from sphericart import SphericalHarmonics

    harmonics = SphericalHarmonics(problem.max_angular)
    return points(problem, lambda r: torch.from_numpy(harmonics.compute(r.numpy())))


def torch_spex(problem: Problem) -> Work:
    """Spherical expansion of torch-spex, with four Bernstein polynomials for every l at l ≤ 6."""
    from spex import SphericalExpansion

    species = {"Orthogonal": {"species": problem.embedding.types}}
    radial = {"Bernstein": {"num_radial": problem.max_angular // 2 + 1}}
    expansion = SphericalExpansion(CUTOFF, problem.max_angular, radial, species=species).double()
    vectors, (neighbors, centers) = problem.inputs["edge_vectors"], problem.inputs["edge_index"]
    return lambda: expansion(vectors, centers, neighbors, problem.inputs["types"])


def featomic(problem: Problem) -> Work:
    """Spherical expansion of featomic: equal spheres, neighbour search included."""
    from ..baselines.featomic_gradients import spherical_expansion

    calculator = spherical_expansion(CUTOFF, problem.max_angular)
    atoms = problem.system.to_atoms()
    return lambda: calculator.compute(atoms)


def anisoap(problem: Problem) -> Work:
    """AniSOAP itself, neighbour search included, after a check of its numbers."""
    from anisoap.representations import EllipsoidalDensityProjection

    return density_projection(problem, EllipsoidalDensityProjection)


def density_projection(problem: Problem, calculator: Any) -> Work:
    """AniSOAP's calculator, or another with its interface, for particles of one type.

    Raises
    ------
    AssertionError
        If its coefficients are not those of the embedding.
    """
    atoms = problem.system.to_atoms()
    atoms.arrays["rotation"] = rotation_matrices(problem.system.orientations).numpy()
    for axis in range(3):
        atoms.arrays[f"c_diameter[{axis + 1}]"] = 2 * problem.system.semiaxes[:, axis].numpy()
    projection = calculator(
        max_angular=problem.max_angular,
        radial_basis_name="gto",
        cutoff_radius=CUTOFF,
        radial_gaussian_width=WIDTH,
        rotation_key="rotation",
        rotation_type="matrix",
        basis_rcond=1e-8,
    )
    found = projection.transform([atoms])
    expected = problem.embedding(**problem.inputs)
    scale = float(expected.abs().max())
    irreps = problem.embedding.irreps_coefficients
    for l, (part, (mul, _)) in enumerate(zip(irreps.slices(), irreps, strict=True)):
        ours = expected[:, part].reshape(len(atoms), mul, 2 * l + 1)  # -> [particle, n, m]
        theirs = torch.from_numpy(found.block(angular_channel=l).values).mT @ wiki_to_e3nn(l).mT
        difference = float((ours - theirs).abs().max()) / scale
        if not difference < 1e-10:
            raise AssertionError(
                f"coefficients of l = {l} differ by {difference:.1e} of the largest"
            )
    return lambda: projection.transform([atoms])


# what each imports, every package before its modules, and what builds its work
PEERS: dict[str, tuple[tuple[str, ...], Callable[[Problem], Work]]] = {
    "anisoap": (("anisoap",), anisoap),
    "featomic": (("featomic",), featomic),
    "torch-spex": (("spex", "sphericart", "sphericart.torch"), torch_spex),
    "e3nn": (("e3nn",), e3nn),
    "sphericart": (("sphericart",), sphericart),
}
