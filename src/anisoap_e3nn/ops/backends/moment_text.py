"""Texts of the Triton kernels for moments: what does not depend on the degree, around the recurrence."""

import re

from ..monomials import moment_exponents
from . import moment_loops, moment_source

RESIDENT = 84  # numbers of 4 bytes that a lane keeps for its segment
UNROLLED = 8  # highest degree of the kernels that are written out, which compile in a minute


def block_shape(kind: str, degree: int) -> tuple[int, int]:
    """Segments of a program, which is one warp, and lanes of each: the fastest on an H100."""
    if degree > UNROLLED:
        return moment_loops.SEGMENTS, moment_loops.LANES
    lanes = {"first": 8, "second": 4}.get(kind, moment_source.SUM_LANES)
    return 32 // lanes, lanes


# The parts of the kernels that do not depend on the degree. Names in capitals are constants.
_HEAD = """
@triton.jit
def kernel(
    edge_vectors, neighbors, pair_weights, order, offsets, by_length, own, particles, exponent, {arguments}
    n_segments, WITH_OWN: tl.constexpr, WITH_PAIR_WEIGHTS: tl.constexpr,
):
    place = tl.program_id(0).to(tl.int64) * SEGMENTS + tl.arange(0, SEGMENTS)[:, None]
    inside = place < n_segments
    segment = tl.load(by_length + place, mask=inside, other=0).to(tl.int64)
    first = tl.load(offsets + segment, mask=inside, other=0)
    n_pairs = tl.load(offsets + segment + 1, mask=inside, other=0) - first
    count = n_pairs
    own_particle = first
    if WITH_OWN:
        own_particle = tl.load(own + segment, mask=inside, other=-1)
        count += (own_particle >= 0).to(tl.int32)
    zero = tl.zeros([SEGMENTS, LANES], DTYPE)
    beta = tl.load(exponent) + zero
    row = {row} + tl.where(inside, segment, 0) * N_MOMENTS
{start}
    # a block of pairs is loaded in three steps, while the blocks before it are computed
    lane = tl.arange(0, LANES)[None, :]
    edge_1 = edge_of(order, first, lane, n_pairs)
    edge_2 = edge_of(order, first, lane + LANES, n_pairs)
    edge_3 = edge_of(order, first, lane + 2 * LANES, n_pairs)
    particle_1 = particle_of(neighbors, edge_1, lane, n_pairs, own_particle, WITH_OWN)
    particle_2 = particle_of(neighbors, edge_2, lane + LANES, n_pairs, own_particle, WITH_OWN)
    index_1 = lane
{loads_1}
    for block in range(0, tl.max(count), LANES):
        index = block + lane
        is_pair, present = index < n_pairs, index < count
        edge = edge_1
        entry = edge
        if WITH_OWN:
            entry = tl.where(is_pair, edge, {n_edges} + own_particle)
{moves}
        edge_1, particle_1, edge_2, index_1 = edge_2, particle_2, edge_3, index + LANES
{loads_2}
        particle_2 = particle_of(
            neighbors, edge_2, index + 2 * LANES, n_pairs, own_particle, WITH_OWN
        )
        edge_3 = edge_of(order, first, index + 3 * LANES, n_pairs)
{body}
{end}
"""

_GAUSSIANS = """
bx, by, bz = multiply(cxx, cxy, cxz, cyy, cyz, czz, x, y, z)
ux, uy, uz = x - beta * bx, y - beta * by, z - beta * bz
depth = 0.5 * beta * (x * ux + y * uy + z * uz)
vanished = depth > LIMIT
x, y, z = tl.where(vanished, 0.0, x), tl.where(vanished, 0.0, y), tl.where(vanished, 0.0, z)
ux, uy, uz = tl.where(vanished, 0.0, ux), tl.where(vanished, 0.0, uy), tl.where(vanished, 0.0, uz)
damping = tl.where(vanished, 0.0, tl.exp(-depth))
"""

_TANGENTS = """
dx, dy, dz = tl.where(vanished, 0.0, dx), tl.where(vanished, 0.0, dy), tl.where(vanished, 0.0, dz)
ex, ey, ez = multiply(cxx, cxy, cxz, cyy, cyz, czz, dx, dy, dz)
bx, by, bz = multiply(dcxx, dcxy, dcxz, dcyy, dcyz, dczz, x, y, z)
dux, duy, duz = dx - beta * (bx + ex), dy - beta * (by + ey), dz - beta * (bz + ez)
slope = dx * ux + dy * uy + dz * uz + x * dux + y * duy + z * duz
damping_tangent = -0.5 * beta * damping * slope
"""

# by the chain rule, from the contractions of moments that start from the damping
_FIRST = """
a = w * f
value, px, py, pz = a * ms, a * msx, a * msy, a * msz
bx, by, bz = multiply(cxx, cxy, cxz, cyy, cyz, czz, px, py, pz)
rx = px - beta * (bx + value * ux)
ry = py - beta * (by + value * uy)
rz = pz - beta * (bz + value * uz)
rf = w * ms
"""

_FIRST_OF_PARTICLES = """
c = 0.5 * beta * beta * value
rxx = 0.5 * a * msxx - beta * px * x + c * x * x
rxy = 0.5 * (a * msxy - beta * (px * y + py * x)) + c * x * y
rxz = 0.5 * (a * msxz - beta * (px * z + pz * x)) + c * x * z
ryy = 0.5 * a * msyy - beta * py * y + c * y * y
ryz = 0.5 * (a * msyz - beta * (py * z + pz * y)) + c * y * z
rzz = 0.5 * a * mszz - beta * pz * z + c * z * z
rw = f * ms
"""

_SECOND = """
a = w * f
da = dw * f + w * df
value, px, py, pz = a * ms, a * msx, a * msy, a * msz
dvalue = da * ms + a * ds
qx, qy, qz = da * msx + a * dsx, da * msy + a * dsy, da * msz + a * dsz
bx, by, bz = multiply(dcxx, dcxy, dcxz, dcyy, dcyz, dczz, px, py, pz)
ex, ey, ez = multiply(cxx, cxy, cxz, cyy, cyz, czz, qx, qy, qz)
rx = qx - beta * (bx + ex + dvalue * ux + value * dux)
ry = qy - beta * (by + ey + dvalue * uy + value * duy)
rz = qz - beta * (bz + ez + dvalue * uz + value * duz)
rf = dw * ms + w * ds
"""

_SECOND_OF_PARTICLES = """
c, dc = 0.5 * beta * beta * value, 0.5 * beta * beta * dvalue
rxx = 0.5 * (da * msxx + a * dsxx) - beta * (qx * x + px * dx) + x * (dc * x + 2.0 * c * dx)
rxy = 0.5 * (da * msxy + a * dsxy - beta * (qx * y + qy * x + px * dy + py * dx))
rxy = rxy + dc * x * y + c * (dx * y + x * dy)
rxz = 0.5 * (da * msxz + a * dsxz - beta * (qx * z + qz * x + px * dz + pz * dx))
rxz = rxz + dc * x * z + c * (dx * z + x * dz)
ryy = 0.5 * (da * msyy + a * dsyy) - beta * (qy * y + py * dy) + y * (dc * y + 2.0 * c * dy)
ryz = 0.5 * (da * msyz + a * dsyz - beta * (qy * z + qz * y + py * dz + pz * dy))
ryz = ryz + dc * y * z + c * (dy * z + y * dz)
rzz = 0.5 * (da * mszz + a * dszz) - beta * (qz * z + pz * dz) + z * (dc * z + 2.0 * c * dz)
rw = df * ms + f * ds
"""

_TANGENT_ARGUMENTS = "edge_tangents, pair_weight_tangents, particle_tangents,"
_DERIVATIVE_ARGUMENTS = "cotangent, d_vectors, d_pair_weights, rows, n_edges,"


def source(kind: str, degree: int, word: int, part: int) -> str:
    """The text of a kernel: ``value``, ``tangent``, or ``first`` or ``second`` derivatives.

    Numbers have `word` bytes. `part` is the number of the group; for derivatives, whether those of particles
    are wanted.
    """
    dual, loops = kind in ("tangent", "second"), degree > UNROLLED
    derivative = kind in ("first", "second")
    arguments = _TANGENT_ARGUMENTS if dual else ""
    loads = _loads("", "edge_vectors", "particles", "pair_weights", 1.0)
    if dual:
        given = "edge_tangents", "particle_tangents", "pair_weight_tangents"
        loads += _loads("d", *given, 0.0)
    loaded = dict.fromkeys(name for line in loads for name in re.findall(r"\w+(?=_1\b.* = )", line))
    body = _lines(_GAUSSIANS) + (_lines(_TANGENTS) if dual else [])
    if derivative:
        body += ["m_0_0_0 = damping", *(["d_0_0_0 = damping_tangent"] if dual else [])]
        arguments += _DERIVATIVE_ARGUMENTS
    else:
        body.append("m_0_0_0 = w * f * damping")
        if dual:
            body.append("d_0_0_0 = (dw * f + w * df) * damping + w * f * damping_tangent")
        arguments += "out,"
    start: list[str] = []
    end: list[str] = []
    if loops:
        start = [
            "own_row = scratch + tl.program_id(0).to(tl.int64) * SCRATCH + tl.arange(0, LANES)[None, :]"
        ]
        body += (
            moment_loops.contraction(bool(part), dual) if derivative else moment_loops.sums(dual)
        )
        arguments += "scratch,"
    elif derivative:
        resident = not dual and len(moment_exponents(degree)) * word <= 4 * RESIDENT
        start, middle, end = moment_source.contraction_lines(degree, bool(part), dual, resident)
        body += middle
    else:
        group = moment_source.groups(degree, 4 * RESIDENT // word)[part]
        start, middle, end = moment_source.sums_lines(degree, group, dual)
        body += middle
    if derivative:
        body += _lines(_SECOND if dual else _FIRST)
        if part:
            body += _lines(_SECOND_OF_PARTICLES if dual else _FIRST_OF_PARTICLES)
        body += _stores(bool(part))
    functions: list[str] = []
    calls = body
    if not loops:
        kept = [name for line in start for name in moment_source.names_in(line.split(" = ")[0])]
        functions, calls = moment_source.outlined(body, kept)
    head = _HEAD.format(
        arguments=arguments,
        row="cotangent" if derivative else "out",
        n_edges="n_edges" if derivative else "0",
        start=moment_source.indented(start, 1),
        loads_1=moment_source.indented(loads, 1),
        loads_2=moment_source.indented(loads, 2),
        moves=moment_source.indented(map(_move, loaded), 2),
        body=moment_source.indented(calls, 2),
        end=moment_source.indented(end, 1),
    )
    return "\n\n".join([*functions, head])


def _move(name: str) -> str:
    """The line that takes what was loaded ahead, where there is a pair or a particle."""
    of_pair = name.lstrip("d") in ("x", "y", "z", "f")
    absent = "1.0" if name == "f" else "0.0"
    return f"{name} = tl.where({'is_pair' if of_pair else 'present'}, {name}_1, {absent})"


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _loads(
    prefix: str, vectors: str, particles: str, pair_weights: str, absent: float
) -> list[str]:
    """Lines that load vectors, covariances and weights, or their tangents, of the next block."""
    row = ", ".join(f"{prefix}{field}_1" for field in (*_FIELDS, "w"))
    return [
        *(
            f"{prefix}{axis}_1 = load_some({vectors} + edge_1.to(tl.int64) * 3 + {k}, index_1 < n_pairs)"
            for k, axis in enumerate("xyz")
        ),
        f"{row} = load_row({particles} + particle_1 * 8, index_1 < count)",
        f"{prefix}f_1 = zero + {absent}",
        "if WITH_PAIR_WEIGHTS:",
        f"    {prefix}f_1 = load_some({pair_weights} + edge_1, index_1 < n_pairs)",
    ]


_FIELDS = ("cxx", "cxy", "cxz", "cyy", "cyz", "czz")


def _stores(of_particles: bool) -> list[str]:
    """Lines that store the derivatives of a block of pairs."""
    lines = [
        f"tl.store(d_vectors + edge.to(tl.int64) * 3 + {k}, r{axis}, mask=is_pair)"
        for k, axis in enumerate("xyz")
    ]
    lines.append("tl.store(d_pair_weights + edge, rf, mask=is_pair & WITH_PAIR_WEIGHTS)")
    if of_particles:
        row = ", ".join(f"r{field[1:]}" for field in (*_FIELDS, "cw"))
        lines.append(f"store_row(rows + entry.to(tl.int64) * 8, present, {row})")
    return lines
