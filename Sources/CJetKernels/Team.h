// Team.h: one parallel region on libtorch's own thread pool, with barriers inside.
//
// How to use it:
//
//     jet::run_team([&](jet::Team &team) {
//       auto rows = team.range(count, 4);               // my contiguous share, in steps of 4
//       for (int64_t r = rows.begin; r < rows.end; ++r) …
//       team.barrier();                                 // all threads must reach it
//       team.share(count, 16, [&](int64_t begin, int64_t end) { … });  // balances slow threads;
//       team.barrier();                                 // at most one share() between two barriers
//     });
//
// The body runs on at::get_num_threads() threads, or on fewer: ask team.count inside, never before.
// It must not throw: check arguments and allocate outputs first. Inside another parallel region it
// runs on the caller alone. scratch<T>(n) gives the calling thread memory that stays allocated; take
// it before run_team and let the body capture the pointer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace jet {

/// Indices from `begin` up to, not including, `end`.
struct Range {
  int64_t begin;
  int64_t end;
};

/// What the threads of one region share.
struct TeamState {
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<uint32_t> phase{0};
  alignas(64) std::atomic<int64_t> taken{0};
};

/// One thread's view of the region that it runs in.
class Team {
 public:
  const int index;
  const int count;

  Team(TeamState &state, int index, int count) : index(index), count(count), state_(state) {}

  /// This thread's contiguous share of 0..<n, its bounds multiples of `grain` (but for n itself).
  Range range(int64_t n, int64_t grain = 1) const {
    int64_t blocks = (n + grain - 1) / grain;
    return {std::min(n, blocks * index / count * grain), std::min(n, blocks * (index + 1) / count * grain)};
  }

  /// Waits until every thread of the region has come here.
  void barrier() { barrier(nullptr, 0); }

  /// The same, and fetches what this thread will read next into its cache while it waits.
  void barrier(const void *next, int64_t bytes);

  /// The contiguous run with which this thread begins in share(n, grain, …).
  Range own_share(int64_t n, int64_t grain) const {
    if (count == 1) return {0, n};
    int64_t each = n / 4 * 3 / (grain * count) * grain;
    return {each * index, each * (index + 1)};
  }

  /// Calls `body(begin, end)` until the threads together have covered 0..<n: three quarters in long
  /// contiguous runs, the rest in pieces of about `grain` that go to whoever is free.
  template <typename Body>
  void share(int64_t n, int64_t grain, Body &&body) {
    Range own = own_share(n, grain);
    if (own.end > own.begin) body(own.begin, own.end);
    int64_t fixed = (own.end - own.begin) * count;
    if (fixed == n) return;
    for (;;) {
      int64_t begin = fixed + state_.taken.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= n) return;
      body(begin, std::min(n, begin + grain));
    }
  }

 private:
  TeamState &state_;
};

/// Runs `body(context, team)` on every thread of the pool; run_team wraps it.
void run_region(void (*body)(void *context, Team &team), void *context);

/// Runs `body(team)` on every thread of the pool and returns when all have finished.
template <typename Body>
void run_team(Body &&body) {
  using Plain = std::remove_reference_t<Body>;
  run_region([](void *context, Team &team) { (*static_cast<Plain *>(context))(team); },
             const_cast<void *>(static_cast<const void *>(&body)));
}

/// At least `bytes` bytes that belong to the calling thread until its next call; 64-byte aligned.
void *scratch_bytes(size_t bytes);

/// Room for `count` values of T that belong to the calling thread until its next call of scratch.
template <typename T>
T *scratch(int64_t count) {
  return static_cast<T *>(scratch_bytes(static_cast<size_t>(count) * sizeof(T)));
}

}  // namespace jet
