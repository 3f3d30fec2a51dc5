// The choice of the compiled copy of the kernels that runs: the best one that this machine can.
#include "instruction_sets.hpp"

namespace anisoap {
const InstructionSet* chosen = runnable_instruction_sets().front();
}
