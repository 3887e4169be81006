// Traces.cpp: see Traces.h.

#include "Traces.h"

#include <torch/library.h>

namespace jet::cuda {
namespace {

thread_local bool are_kept = true;

void set_traces(bool keeps) { are_kept = keeps; }

}  // namespace

bool keeps_traces() { return are_kept; }

}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CompositeExplicitAutograd, m) { m.impl("set_traces", &jet::cuda::set_traces); }
