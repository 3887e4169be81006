// CJetFused.h: the plain C face of the kernels for NVIDIA GPUs. The operators themselves are reached by their names
// (`jet_fused::…`) through libtorch's dispatcher.
#ifndef C_JET_FUSED_H
#define C_JET_FUSED_H

#ifdef __cplusplus
extern "C" {
#endif

/// Does nothing; calling it keeps the linker from dropping the objects that register the operators.
void jet_fused_link(void);

#ifdef __cplusplus
}
#endif

#endif
