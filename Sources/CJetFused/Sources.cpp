// Sources.cpp: the text of all kernels, as the run-time compiler is given it.
#include "Sources.h"

namespace jet::fused {

const char *const source =
#include "Numbers.cu.inc"
#include "ColumnSums.cu.inc"
#include "Normalization.cu.inc"
#include "Elementwise.cu.inc"
#include "Convolution.cu.inc"
#include "ConvolutionGradients.cu.inc"
#include "Divergence.cu.inc"
#include "DecayGates.cu.inc"
#include "DecayTriangle.cu.inc"
#include "Pieces.cu.inc"
#include "UnitLowerInverse.cu.inc"
    ;

}  // namespace jet::fused
