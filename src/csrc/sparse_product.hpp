// The work of one call of sparse_product, and the functions that each instruction set compiles for it.
//
// The three operands of out[u, v, m3] += C_k x1[u, v, m1_k] x2[u, v, m2_k] play the same part: whichever is the
// target, the other two are read. A lane is one (batch entry, u, v). Lanes are taken in tiles; a tile has slots,
// one number for each lane of it, and a stream of instructions says what happens in them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anisoap {

// Where the components of an irrep lie in an operand's memory. The program stores blocks in this layout.
struct IrrepBlock {
    std::int64_t operand;  // 0: out, 1: x1, 2: x2
    std::int64_t offset, components, component_stride, stride_u, stride_v;
    std::int64_t adds;  // as a target: added to the memory (1) or written over it (0)
};

// Instructions, each followed by its arguments.
enum SparseInstruction : std::int64_t {
    load = 0,   // block, slot:                                 the block's components into consecutive slots
    run = 1,    // slot, continues, n, then n times k, a, b:    slot (+)= sum of C_k slot_a slot_b
    store = 2,  // block, slot:                                 consecutive slots into the block's components
    dot = 3,    // n, then n times k, a, b, c:                  dC_k += sum over lanes of slot_a slot_b slot_c
};

template <class T>
struct SparseProductJob {
    const T* read[3];  // by operand; null for the target
    T* written;        // the target, or one sum for each coefficient
    int target;
    std::int64_t n_batch, batch_stride[3];
    const T* coefficients;
    std::int64_t n_u, n_v, n_blocks, n_slots;
    const IrrepBlock* blocks;
    const std::int64_t *stream, *stream_end;
};

template <class T>
using LanesFunction = void (*)(const SparseProductJob<T>&, std::int64_t first_lane, std::int64_t end_lane,
                               void* workspace);

struct SparseProductKernels {
    std::size_t slot_bytes;  // size of the largest slot in the workspace
    LanesFunction<double> f64;
    LanesFunction<float> f32;
};

}  // namespace anisoap
