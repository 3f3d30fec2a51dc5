"""Speed-up by stage, from the loop to SIMD, and time of the parts of three modes."""

from collections.abc import Callable
from functools import partial

from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.ops.backends import native

from ..baselines.torch_contraction import TorchContraction
from ..baselines.torch_full import BatchedExpansion, gaussian_moments
from ..embedding import sweep_of
from ..systems import simple_cubic
from ..timing import Elapsed, interleaved_times, on_instruction_set
from .modes import CUTOFF, LOOPS, Problem, checked_routes, why_left_out
from .results import Measurement, Result
from .sweeps import Settings

EVERYTHING = "everything"  # the whole call, beside its parts
Work = dict[str, Callable[[], object]]


def sweep_stages(settings: Settings) -> Result:
    """The modes, and the native one for each instruction set, on the same particles."""
    result = Result("stages")
    problem = Problem(simple_cubic((3, 3, 3) if settings.quick else (5, 6, 10)))
    modes = []
    for mode in (*LOOPS, "torch_full", "summed_first", "native"):
        if why := why_left_out(mode):
            result.leave_out(mode, why)
        else:
            modes.append(mode)
    routes, errors = checked_routes(modes, problem)
    work: Work = {mode: route.run for mode, route in routes.items()}
    if best := work.pop("native", None):
        for name in reversed(native._native.instruction_sets()):
            work[f"native, {name}"] = on_instruction_set(name, best)
            errors[f"native, {name}"] = errors["native"]
    for mode, times in interleaved_times(work, settings.rounds, "stages").items():
        result.measurements.append(_measurement(mode, times, problem, error=errors[mode]))
    return result


def sweep_parts(settings: Settings) -> Result:
    """Time of each part of the loop, of the batched algorithm and of the native path."""
    result = Result("parts")
    problem = Problem(simple_cubic((3, 3, 3) if settings.quick else (4, 5, 5)))
    for mode, work in (
        ("numpy_only", partial(_loop_parts, problem)),
        ("torch_full", partial(_batched_parts, problem)),
        ("native", partial(_native_parts, problem)),
    ):
        if why := why_left_out(mode):
            result.leave_out(mode, why)
            continue
        for part, times in interleaved_times(work(), settings.rounds, mode).items():
            result.measurements.append(_measurement(mode, times, problem, part=part))
    return result


def _measurement(
    mode: str, times: list[Elapsed], problem: Problem, error: float | None = None, part: str = ""
) -> Measurement:
    n_particles = len(problem.system.types)
    return Measurement(mode, times, n_particles, problem.n_pairs, error=error, part=part)


def _loop_parts(problem: Problem) -> Work:
    from ..baselines.per_pair_loop import PerPairLoop

    loop = PerPairLoop(problem.embedding, problem.system)
    labelled = [
        (sample, vector, compiled)
        for block, of_block in zip(loop.neighbors, loop.moments, strict=True)
        for sample, vector, compiled in zip(block.samples, block.values, of_block, strict=True)
    ]
    moments = [loop.moments_of_pair(*pair) for pair in labelled]
    pairs = loop.expand_pairs()
    sums = loop.contract(pairs)
    return {
        EVERYTHING: loop,
        "moments": lambda: [loop.moments_of_pair(*pair) for pair in labelled],
        "harmonics": lambda: [list(loop.harmonics_of_pair(each)) for each in moments],
        "sums": lambda: loop.contract(pairs),
        "radial functions": lambda: loop.orthonormalize(sums),
    }


def _batched_parts(problem: Problem) -> Work:
    contraction = TorchContraction(problem.embedding)
    batched = BatchedExpansion(problem.embedding, contraction, problem.inputs)
    blocks, segments = batched.blocks(), batched.segments()
    rotations = rotation_matrices(batched.orientations)
    sums = contraction.empty_sums(len(batched.semiaxes))
    parameters = [batched.gaussian_parameters(some, rotations) for some in blocks]
    moments = [gaussian_moments(*each, contraction.exponents) for each in parameters]
    pairs = [contraction.of_pairs(each) for each in moments]

    def add() -> None:
        for some, each in zip(blocks, pairs, strict=True):
            sums.index_add_(0, segments[some], each)

    return {
        EVERYTHING: batched,
        "parameters": lambda: [batched.gaussian_parameters(some, rotations) for some in blocks],
        "moments": lambda: [gaussian_moments(*each, contraction.exponents) for each in parameters],
        "harmonics": lambda: [contraction.of_pairs(each) for each in moments],
        "sums": add,
        "radial functions": lambda: contraction.orthonormalized(sums),
    }


def _native_parts(problem: Problem) -> Work:
    system, embedding = problem.system, problem.embedding
    edge_index, shifts = system.search(CUTOFF)
    sweep, _ = sweep_of(system, embedding)
    return {
        EVERYTHING: lambda: embedding(**system.inputs(*system.search(CUTOFF))),
        "neighbour list": lambda: system.search(CUTOFF),
        "edge vectors": lambda: system.inputs(edge_index, shifts),
        "moments and sums": sweep,
    }
