// Sources.h: the text of all kernels.
#pragma once

namespace jet::fused {

extern const char *const source;

}  // namespace jet::fused
