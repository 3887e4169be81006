// Operators.h: operators of other libraries of the program, by name.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace jet::cuda {

/// The operator called `name`, such as `jet_fused::pieces`: its library is linked to the program, not to this one.
template <typename Function>
c10::TypedOperatorHandle<Function> find_operator(const char *name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").template typed<Function>();
}

}  // namespace jet::cuda
