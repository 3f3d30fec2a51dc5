"""How the Triton kernels for moments read and write memory."""

import triton
import triton.language as tl

from .triton_source import interpreted


@triton.jit
def load_by_assembly(pointers):  # type: ignore[no-untyped-def]
    """Numbers of read-only memory.

    Triton's search for coalesced accesses, whose time grows with the number of loads times the square of the
    number of operations, does not look into assembly. Declared impure, they stay in the loop over pairs.
    """
    if pointers.dtype.element_ty == tl.float32:
        return tl.inline_asm_elementwise(
            "ld.global.nc.b32 $0, [$1];", "=r,l", [pointers], tl.float32, is_pure=False, pack=1
        )
    else:
        return tl.inline_asm_elementwise(
            "ld.global.nc.b64 $0, [$1];", "=l,l", [pointers], tl.float64, is_pure=False, pack=1
        )


@triton.jit
def load_plainly(pointers):  # type: ignore[no-untyped-def]
    """The same without assembly."""
    return tl.load(pointers)


@triton.jit
def load_some_by_assembly(pointers, mask):  # type: ignore[no-untyped-def]
    """Numbers of read-only memory where `mask` is true, and anything elsewhere.

    Numbers that are loaded ahead must not be set to 0 elsewhere: to merge the two, the machine code would
    wait for them at once.
    """
    if pointers.dtype.element_ty.primitive_bitwidth == 32:
        return tl.inline_asm_elementwise(
            "{ .reg .pred p; setp.ne.b32 p, $2, 0; @p ld.global.nc.b32 $0, [$1]; }",
            "=r,l,r",
            [pointers, mask.to(tl.int32)],
            pointers.dtype.element_ty,
            is_pure=False,
            pack=1,
        )
    else:
        return tl.inline_asm_elementwise(
            "{ .reg .pred p; setp.ne.b32 p, $2, 0; @p ld.global.nc.b64 $0, [$1]; }",
            "=l,l,r",
            [pointers, mask.to(tl.int32)],
            pointers.dtype.element_ty,
            is_pure=False,
            pack=1,
        )


@triton.jit
def load_some_plainly(pointers, mask):  # type: ignore[no-untyped-def]
    """The same without assembly."""
    return tl.load(pointers, mask=mask, other=0)


load_some = load_some_plainly if interpreted else load_some_by_assembly


@triton.jit
def edge_of(order, first, index, n_pairs):  # type: ignore[no-untyped-def]
    """The edges of pairs, counted from the first one of a segment; anything after the last one."""
    return load_some(order + first + index, index < n_pairs)


@triton.jit  # type: ignore[untyped-decorator]
def particle_of(  # type: ignore[no-untyped-def]
    neighbors, edge, index, n_pairs, own_particle, WITH_OWN: tl.constexpr
):  # fmt: skip
    """The neighbours, after all pairs the particle itself, and anything after that."""
    is_pair = index < n_pairs
    particle = load_some(neighbors + edge, is_pair)
    if WITH_OWN:
        particle = tl.where(is_pair, particle, own_particle)
    return particle


@triton.jit
def load_row_by_assembly(pointers, mask):  # type: ignore[no-untyped-def]
    """The first seven of eight numbers that lie side by side, 16 bytes at a time; anything elsewhere."""
    if pointers.dtype.element_ty == tl.float32:
        xx, xy, xz, yy, yz, zz, w, _ = tl.inline_asm_elementwise(
            """
            {
                .reg .pred p;
                setp.ne.b32 p, $9, 0;
                @p ld.global.nc.v4.b32 {$0, $1, $2, $3}, [$8];
                @p ld.global.nc.v4.b32 {$4, $5, $6, $7}, [$8 + 16];
            }
            """,
            "=&r,=&r,=&r,=&r,=&r,=&r,=&r,=&r,l,r",
            [pointers, mask.to(tl.int32)],
            (tl.float32,) * 8,
            is_pure=False,
            pack=1,
        )
    else:
        xx, xy, xz, yy, yz, zz, w, _ = tl.inline_asm_elementwise(
            """
            {
                .reg .pred p;
                setp.ne.b32 p, $9, 0;
                @p ld.global.nc.v2.b64 {$0, $1}, [$8];
                @p ld.global.nc.v2.b64 {$2, $3}, [$8 + 16];
                @p ld.global.nc.v2.b64 {$4, $5}, [$8 + 32];
                @p ld.global.nc.v2.b64 {$6, $7}, [$8 + 48];
            }
            """,
            "=&l,=&l,=&l,=&l,=&l,=&l,=&l,=&l,l,r",
            [pointers, mask.to(tl.int32)],
            (tl.float64,) * 8,
            is_pure=False,
            pack=1,
        )
    return xx, xy, xz, yy, yz, zz, w


@triton.jit
def load_row_plainly(pointers, mask):  # type: ignore[no-untyped-def]
    """The same without assembly."""
    xx = tl.load(pointers, mask=mask, other=0.0)
    xy = tl.load(pointers + 1, mask=mask, other=0.0)
    xz = tl.load(pointers + 2, mask=mask, other=0.0)
    yy = tl.load(pointers + 3, mask=mask, other=0.0)
    yz = tl.load(pointers + 4, mask=mask, other=0.0)
    zz = tl.load(pointers + 5, mask=mask, other=0.0)
    w = tl.load(pointers + 6, mask=mask, other=0.0)
    return xx, xy, xz, yy, yz, zz, w


@triton.jit
def _bits(x):  # type: ignore[no-untyped-def]
    """A floating-point number as an integer, since Triton's assembly mixes pointers with these alone."""
    return x.to(tl.int32 if x.dtype == tl.float32 else tl.int64, bitcast=True)


@triton.jit
def store_row_by_assembly(pointers, mask, xx, xy, xz, yy, yz, zz, w):  # type: ignore[no-untyped-def]
    """Store seven numbers side by side, 16 bytes at a time, where `mask` is true, and anything after them."""
    a, b, c, d, e, f, g = _bits(xx), _bits(xy), _bits(xz), _bits(yy), _bits(yz), _bits(zz), _bits(w)
    if pointers.dtype.element_ty == tl.float32:
        tl.inline_asm_elementwise(
            """
            {
                .reg .pred p;
                setp.ne.b32 p, $9, 0;
                @p st.global.v4.b32 [$1], {$2, $3, $4, $5};
                @p st.global.v4.b32 [$1 + 16], {$6, $7, $8, $8};
                mov.b32 $0, 0;
            }
            """,
            "=r,l,r,r,r,r,r,r,r,r",
            [pointers, a, b, c, d, e, f, g, mask.to(tl.int32)],
            tl.int32,
            is_pure=False,
            pack=1,
        )
    else:
        tl.inline_asm_elementwise(
            """
            {
                .reg .pred p;
                setp.ne.b32 p, $9, 0;
                @p st.global.v2.b64 [$1], {$2, $3};
                @p st.global.v2.b64 [$1 + 16], {$4, $5};
                @p st.global.v2.b64 [$1 + 32], {$6, $7};
                @p st.global.v2.b64 [$1 + 48], {$8, $8};
                mov.b32 $0, 0;
            }
            """,
            "=r,l,l,l,l,l,l,l,l,r",
            [pointers, a, b, c, d, e, f, g, mask.to(tl.int32)],
            tl.int32,
            is_pure=False,
            pack=1,
        )


@triton.jit
def store_row_plainly(pointers, mask, xx, xy, xz, yy, yz, zz, w):  # type: ignore[no-untyped-def]
    """The same without assembly."""
    tl.store(pointers, xx, mask=mask)
    tl.store(pointers + 1, xy, mask=mask)
    tl.store(pointers + 2, xz, mask=mask)
    tl.store(pointers + 3, yy, mask=mask)
    tl.store(pointers + 4, yz, mask=mask)
    tl.store(pointers + 5, zz, mask=mask)
    tl.store(pointers + 6, w, mask=mask)


load = load_plainly if interpreted else load_by_assembly
load_row = load_row_plainly if interpreted else load_row_by_assembly
store_row = store_row_plainly if interpreted else store_row_by_assembly
