// CJetKernels.h: the plain C face of the CPU kernels. The operators themselves are reached by their
// names (`jet::…`) through libtorch's dispatcher.
#ifndef C_JET_KERNELS_H
#define C_JET_KERNELS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Does nothing; calling it keeps the linker from dropping the objects that register the operators.
void jet_kernels_link(void);

/// The instruction set in use: "portable", "avx2", "avx512" or "avx512bf16". Borrowed, never freed.
/// A null pointer when `JET_ISA` names one that is unknown or that this processor lacks.
const char *jet_isa_name(void);

/// Chooses the instruction set of the operators that the calling thread calls from now on, by name;
/// a null pointer goes back to that of the process. For tests: other threads are left as they are.
/// Returns 0, or -1 if the name is unknown or the processor lacks it, and then changes nothing.
int jet_force_isa(const char *name);

/// Best of three reads of `bytes` bytes at `buffer` by all threads, in 10^9 bytes a second; 0 for an
/// empty buffer. Bytes over a multiple of 4,096 are not read.
double jet_read_bandwidth(const void *buffer, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
