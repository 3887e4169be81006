// GradientPlaces.cpp: see GradientPlaces.h.

#include "GradientPlaces.h"

#include "Operators.h"

namespace jet::cuda {

at::Tensor gradient_of(const at::Tensor &x) {
  static const auto place = find_operator<at::Tensor(const at::Tensor &)>("jet_fused::gradient_place");
  at::Tensor found = place.call(x);
  return found.defined() ? found : at::empty(x.sizes(), x.options());
}

}  // namespace jet::cuda
