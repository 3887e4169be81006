// Warpgroup.cuh: products of a warpgroup, four warps from a multiple of four on, on Hopper's tensor cores: 64 rows × 16
// by 16 × N columns.
//
// A warp has 16 of the 64 rows, and holds sums and left factor as in Mma.cuh; sums[n] are columns 8n … 8n + 7. The
// right factor lies in shared memory, or both factors do. Products run in order and beside what the warps do meanwhile,
// which must leave their registers alone until `wait_products`.
//
// A factor in shared memory is made of core matrices, 8 × 8 numbers in 128 bytes. A row of eight numbers, 16 bytes,
// goes along the index that is summed over; or, of a turned factor, along the other one.
#pragma once

#include <cstdint>

// Only machine code for compute capability 9.0 has these instructions; no other is to call them.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define JET_HAS_WARPGROUPS 1
#endif

namespace jet::cuda {

/// The most shared memory of a block, in bytes.
constexpr int kSharedOnHopper = 227 * 1024;

/// Where something lies in shared memory as an instruction is told, in units of 16 bytes. In a cluster an address has
/// the block's rank in its high bits.
__device__ inline uint32_t factor_place(uint32_t shared_address) { return shared_address >> 4 & 0x3fff; }

/// Where a factor begins: what an instruction is told of it.
///
/// - summed: bytes from a core matrix to the next along the index that is summed over.
/// - kept: the same along the other index.
__device__ inline uint64_t shared_factor(uint32_t shared_address, int summed, int kept) {
  return uint64_t(kept >> 4) << 32 | (factor_place(shared_address) + (uint32_t(summed >> 4) << 16));
}
/// The same of a right factor of `rows` rows (its transpose's) as in Transition.cuh, `bytes` after a place.
__device__ inline uint64_t right_factor(uint32_t place, int rows, int bytes) {
  return uint64_t(8) << 32 | (place + (uint32_t(rows) << 16) + uint32_t(bytes >> 4));
}
/// The same of a factor that is to be turned: the rows are what is summed over.
__device__ inline uint64_t turned_factor(uint32_t place, int rows, int bytes) {
  return uint64_t(static_cast<uint32_t>(rows)) << 32 | (place + (uint32_t(8) << 16) + uint32_t(bytes >> 4));
}
/// The factor that begins `bytes` further on.
__device__ inline uint64_t further(uint64_t factor, int bytes) {
  return factor & ~uint64_t(0xffffffff) | (static_cast<uint32_t>(factor) + static_cast<uint32_t>(bytes >> 4));
}

#ifdef JET_HAS_WARPGROUPS

/// The registers hold what was written to them before products read them.
__device__ inline void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/// Waits until at most the last `kPending` commits are under way.
template <int kPending>
__device__ inline void wait_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

/// Keeps the compiler from moving what reads or writes these registers across this place.
template <int N, int M>
__device__ inline void pin(float (&x)[N][M]) {
#pragma unroll
  for (int n = 0; n < N; ++n) {
#pragma unroll
    for (int i = 0; i < M; i += 4)
      asm volatile("" : "+f"(x[n][i]), "+f"(x[n][i + 1]), "+f"(x[n][i + 2]), "+f"(x[n][i + 3])::"memory");
  }
}
template <int N>
__device__ inline void pin(uint32_t (&x)[N][4]) {
#pragma unroll
  for (int n = 0; n < N; ++n) asm volatile("" : "+r"(x[n][0]), "+r"(x[n][1]), "+r"(x[n][2]), "+r"(x[n][3])::"memory");
}

// clang-format off
#define JET_SUMS(n) "+f"(d[n][0]), "+f"(d[n][1]), "+f"(d[n][2]), "+f"(d[n][3])
#define JET_SUMS_4(n) JET_SUMS(n), JET_SUMS(n + 1), JET_SUMS(n + 2), JET_SUMS(n + 3)
#define JET_16 "%0, %1, %2, %3, %4, %5, %6, %7"
#define JET_32 JET_16 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define JET_48 JET_32 ", %16, %17, %18, %19, %20, %21, %22, %23"
#define JET_64 JET_48 ", %24, %25, %26, %27, %28, %29, %30, %31"
#define JET_96 JET_64 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define JET_128 JET_96 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define JET_PRODUCT(N, FACTORS, ADDS, TURNS, INPUTS, ...)                                                        \
  asm volatile("{\n.reg .pred adds;\nsetp.ne.b32 adds, " ADDS ", 0;\n"                                            \
               "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.bf16.bf16 {" JET_##N "}, " FACTORS ", adds, 1, 1, " \
               TURNS ";\n}"                                                                                       \
               : __VA_ARGS__                                                                                      \
               : INPUTS)
// clang-format on

/// Begins the first N columns of the sums += left · right; if `adds` is false, = left · right.
template <int N, bool kTurnsRight = false, int kSums>
__device__ inline void begin_product(float (&sums)[kSums][4], const uint32_t (&left)[4], uint64_t right,
                                     bool adds = true) {
  static_assert(N <= 8 * kSums);
  float (*d)[4] = sums;
#define JET_INPUTS \
  "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "l"(right), "r"(int(adds)), "n"(int(kTurnsRight))
  if constexpr (N == 16) JET_PRODUCT(16, "{%8, %9, %10, %11}, %12", "%13", "%14", JET_INPUTS, JET_SUMS(0), JET_SUMS(1));
  if constexpr (N == 32) JET_PRODUCT(32, "{%16, %17, %18, %19}, %20", "%21", "%22", JET_INPUTS, JET_SUMS_4(0));
  if constexpr (N == 48)
    JET_PRODUCT(48, "{%24, %25, %26, %27}, %28", "%29", "%30", JET_INPUTS, JET_SUMS_4(0), JET_SUMS(4), JET_SUMS(5));
  if constexpr (N == 64)
    JET_PRODUCT(64, "{%32, %33, %34, %35}, %36", "%37", "%38", JET_INPUTS, JET_SUMS_4(0), JET_SUMS_4(4));
  if constexpr (N == 96)
    JET_PRODUCT(96, "{%48, %49, %50, %51}, %52", "%53", "%54", JET_INPUTS, JET_SUMS_4(0), JET_SUMS_4(4), JET_SUMS_4(8));
  if constexpr (N == 128)
    JET_PRODUCT(128, "{%64, %65, %66, %67}, %68", "%69", "%70", JET_INPUTS, JET_SUMS_4(0), JET_SUMS_4(4), JET_SUMS_4(8),
                JET_SUMS_4(12));
#undef JET_INPUTS
}

/// The same of a left factor that lies in shared memory too.
template <int N, bool kTurnsLeft, bool kTurnsRight, int kSums>
__device__ inline void begin_shared_product(float (&sums)[kSums][4], uint64_t left, uint64_t right, bool adds = true) {
  static_assert(N <= 8 * kSums);
  float (*d)[4] = sums;
#define JET_INPUTS "l"(left), "l"(right), "r"(int(adds)), "n"(int(kTurnsLeft)), "n"(int(kTurnsRight))
  if constexpr (N == 32) JET_PRODUCT(32, "%16, %17", "%18", "%19, %20", JET_INPUTS, JET_SUMS_4(0));
  if constexpr (N == 48)
    JET_PRODUCT(48, "%24, %25", "%26", "%27, %28", JET_INPUTS, JET_SUMS_4(0), JET_SUMS(4), JET_SUMS(5));
  if constexpr (N == 64) JET_PRODUCT(64, "%32, %33", "%34", "%35, %36", JET_INPUTS, JET_SUMS_4(0), JET_SUMS_4(4));
#undef JET_INPUTS
}

#undef JET_PRODUCT
#undef JET_SUMS
#undef JET_SUMS_4
#undef JET_16
#undef JET_32
#undef JET_48
#undef JET_64
#undef JET_96
#undef JET_128

#endif

}  // namespace jet::cuda
