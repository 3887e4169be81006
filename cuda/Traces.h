// Traces.h: whether a training pass keeps what its gradients could make again, jet::set_traces.
#pragma once

namespace jet::cuda {

/// Whether operators of this thread keep traces; they do unless told otherwise.
bool keeps_traces();

}  // namespace jet::cuda
