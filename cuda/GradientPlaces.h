// GradientPlaces.h: where the gradient of an operator's input is written.
#pragma once

#include <ATen/ATen.h>

namespace jet::cuda {

/// A tensor of the shape of `x` for its gradient: its place among those of the other pieces of a product, if `x` is a
/// piece (see Sources/CJetFused/Pieces.h), or a tensor of its own. The last dimension is contiguous.
at::Tensor gradient_of(const at::Tensor &x);

}  // namespace jet::cuda
