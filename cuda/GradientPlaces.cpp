// GradientPlaces.cpp: see GradientPlaces.h.

#include "GradientPlaces.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace jet::cuda {

at::Tensor gradient_of(const at::Tensor &x) {
  // The library that cuts into pieces is linked to the program, not to this one.
  static const auto place = c10::Dispatcher::singleton()
                                .findSchemaOrThrow("jet_fused::gradient_place", "")
                                .typed<at::Tensor(const at::Tensor &)>();
  at::Tensor found = place.call(x);
  return found.defined() ? found : at::empty(x.sizes(), x.options());
}

}  // namespace jet::cuda
