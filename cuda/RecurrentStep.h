// RecurrentStep.h: one token of a linear recurrence for each row, its memory in a pool, as a plain function of
// pointers, sizes and a stream.
//
// With S the memory [K, V] of a head at the row's slot, α its decay, one number or one a channel of the key, and q, k,
// v the token's query, key and value:
//     kRetention    u = v                S ← diag(α) S + k uᵀ
//     kStateSpace   u = Δ v              S ← α S + k uᵀ
//     kDelta        u = β (v − α Sᵀk)    S ← α S + k uᵀ
//     kGeneralized  u = v                S ← diag(α) S + b (Sᵀa)ᵀ + k uᵀ
// and o = scale · Sᵀq with the new S. Log decays are given, or made: Δ = softplus(x + step_bias), α =
// exp(−exp(log_rate) Δ). β = sigmoid(y). q and k of the delta rule are first made unit rows, x / √(Σx² + 10⁻⁶).
// Sources: Sun et al. 2023, arXiv:2307.08621; Yang et al. 2023, arXiv:2312.06635; Dao and Gu 2024, arXiv:2405.21060;
// Yang et al. 2024, arXiv:2406.06484 and arXiv:2412.06464; Peng et al. 2025, arXiv:2503.14456.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// The widest key that the kernel is made for. Values may be of any width.
constexpr int kMostRecurrentKey = 512;
/// The most rows, and the most heads.
constexpr int kMostRecurrentGrid = 65535;

enum RecurrentRule { kRetention = 0, kStateSpace = 1, kDelta = 2, kGeneralized = 3 };

/// Numbers of heads of rows, float32 or bfloat16; none where `data` is null.
struct HeadView {
  const void *data;
  int64_t row;   // from a row to the next, in elements
  int64_t head;  // from a head to the next; the numbers of a head lie side by side
  bool half;
};

/// Sizes and tensors of one call; all pointers are of the device.
struct RecurrentStepCall {
  RecurrentRule rule;
  int rows;
  int heads;
  int key_heads;  // of query and key, each for heads / key_heads of the heads one after another
  int key_width;  // at most kMostRecurrentKey
  int value_width;
  int slot_count;
  bool channel_decay;  // whether each channel of the key has a log decay of its own
  bool half;           // out is bfloat16, else float32
  float scale;
  HeadView query;  // [N, key heads, K]
  HeadView key;    // [N, key heads, K]
  HeadView value;  // [N, H, V]
  HeadView
      decay;  // log decays [N, H] or [N, H, K]; x [N, H] where there is a log_rate; with kDelta perhaps none: α = 1
  HeadView log_rate;     // [H], with kStateSpace, and with kDelta where there is a decay
  HeadView step_bias;    // [H], likewise
  HeadView write;        // y, [N, H], with kDelta
  HeadView recall;       // a, [N, H, K], with kGeneralized
  HeadView rewrite;      // b, [N, H, K], with kGeneralized
  float *memory;         // [slots, H, K, V]; changed
  const int32_t *slots;  // [N]; a row whose slot is none of the pool's gives NaN and changes nothing
  void *out;             // [N, H, V]
  cudaStream_t stream;
};

/// Does it. Rows with the same slot race for it.
cudaError_t recurrent_step(const RecurrentStepCall &call);

}  // namespace jet::cuda
