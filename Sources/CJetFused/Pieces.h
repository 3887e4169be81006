// Pieces.h: where the gradient of a piece belongs.
#pragma once

#include <ATen/core/Tensor.h>

#include "Launch.h"

namespace jet::fused {

/// To be called by an operator's gradient, with an input of the operator as it was saved, perhaps a piece of a merged
/// product: where the gradient of `piece` is to be written, so that it lies among those of the other pieces. It has the
/// shape of `piece`, strides of its own, and any numbers.
///
/// Undefined where the gradient needs a tensor of its own: `piece` is none, its place has been given away, the gradient
/// of the product is not wanted, or it comes in another stream than the present one. Nobody has to use the place that
/// he got.
at::Tensor gradient_place(const at::Tensor &piece);

/// Where the gradient of `piece` is written: in its place, if as many rows lie side by side there as `rows` says of
/// `piece`, or in a tensor of its own. `rows` then tells where the gradient's rows lie.
at::Tensor gradient_in_place(const at::Tensor &piece, Rows &rows);

}  // namespace jet::fused
