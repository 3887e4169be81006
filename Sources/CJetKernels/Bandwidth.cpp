// Bandwidth.cpp: jet_read_bandwidth, the rate at which all threads together read memory.

#include <atomic>
#include <chrono>

#include "Isa.h"
#include "Team.h"
#include "include/CJetKernels.h"

#define JET_KERNEL_BODY "BandwidthKernel.inc"
#include "EachIsa.inc"

extern "C" double jet_read_bandwidth(const void *buffer, size_t bytes) {
  constexpr int64_t page = 4096;
  int64_t pages = static_cast<int64_t>(bytes / page);
  if (!buffer || pages == 0) return 0;
  const char *begin = static_cast<const char *>(buffer);
  using Clock = std::chrono::steady_clock;
  double best = 0;
  std::atomic<uint32_t> found{0};
  try {
    for (int repeat = 0; repeat < 3; ++repeat) {
      Clock::time_point start = Clock::now();
      jet::run_team([&](jet::Team &team) {
        team.share(pages, 64, [&](int64_t first, int64_t last) {
          found.fetch_xor(JET_DISPATCH(read_kernel, begin + first * page, begin + last * page));
        });
      });
      double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      best = std::max(best, static_cast<double>(pages * page) / seconds / 1e9);
    }
  } catch (...) {
    return 0;
  }
  return best;
}
