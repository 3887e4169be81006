// AttentionStep.cpp: jet::attention_step, one token of causal attention a sequence,
// `x + output · softmax(scale · q Kᵀ) V`, with `q, k, v = qkv · (rms(x) * norm) + bias`, q and k
// normed a head (if asked) and rotated, k and v first written to `slots` of the cache.
//
// Shapes: x [N, D], qkv [(H + 2G) · Dh, D] with rows q, k, v, cos and sin float32 [N, Dh], keys and
// values [N, G, C, Dh] (any strides but the last), slots and counts int64 [N], output [D, H · Dh].
// Query head h reads key head h / (H / G). Rotary: x * cos + rotate_half(x) * sin.
// Rounded to x's dtype after the norms, the projections, the rotation and the weighted sum.
// Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1; grouped heads: Ainslie et al. 2023,
// arXiv:2305.13245; one pass with partial results: Milakov and Gimelshein 2018, arXiv:1805.02867.

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <limits>

#include "Arguments.h"
#include "Isa.h"
#include "Step.h"
#include "Team.h"

namespace jet {
namespace {

/// Distances in elements between neighbours of the cache's first three dimensions.
struct Strides {
  int64_t sequence;
  int64_t head;
  int64_t position;
};

struct AttentionStepArguments {
  int64_t sequences;
  int64_t width;
  int64_t heads;
  int64_t key_heads;
  int64_t head_width;
  bool half;
  float eps;
  float scale;
  const void *x;
  Values norm;
  const void *qkv;
  Values bias;
  Values q_norm;
  Values k_norm;
  const float *cos;
  const float *sin;
  void *keys;
  Strides key_strides;
  void *values;
  Strides value_strides;
  const int64_t *slots;
  const int64_t *counts;
  const void *output;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "AttentionStepKernel.inc"
#include "EachIsa.inc"

namespace jet {
namespace {

constexpr const char *name = "attention_step";

void check_cache(const char *which, const at::Tensor &cache, const at::Tensor &x,
                 int64_t key_heads, int64_t head_width) {
  TORCH_CHECK(cache.device().is_cpu() && cache.scalar_type() == x.scalar_type() &&
                  cache.dim() == 4 && cache.size(0) == x.size(0) &&
                  cache.size(1) == key_heads && cache.size(3) == head_width &&
                  cache.stride(3) == 1,
              name, ": ", which, " is ", cache.toString(), " ", cache.sizes(), " with strides ",
              cache.strides(), ", expected ", x.scalar_type(), " [", x.size(0), ", ", key_heads,
              ", capacity, ", head_width, "] on the CPU with a contiguous last dimension.");
}

Strides strides_of(const at::Tensor &cache) {
  return {cache.stride(0), cache.stride(1), cache.stride(2)};
}

void check_places(const at::Tensor &slots, const at::Tensor &counts, int64_t capacity) {
  const int64_t *slot = numbers<int64_t>(slots);
  const int64_t *count = numbers<int64_t>(counts);
  for (int64_t n = 0; n < slots.size(0); ++n) {
    TORCH_CHECK(0 <= slot[n] && slot[n] < count[n] && count[n] <= capacity, name, ": sequence ",
                n, " has slot ", slot[n], " and count ", count[n],
                ", expected 0 <= slot < count <= ", capacity, ", the capacity of the cache.");
  }
}

}  // namespace

at::Tensor attention_step(const at::Tensor &x, const at::Tensor &norm, double eps,
                          const at::Tensor &qkv, const std::optional<at::Tensor> &qkv_bias,
                          const std::optional<at::Tensor> &q_norm,
                          const std::optional<at::Tensor> &k_norm, const at::Tensor &cos,
                          const at::Tensor &sin, at::Tensor keys, at::Tensor values,
                          const at::Tensor &slots, const at::Tensor &counts,
                          const at::Tensor &output, int64_t heads, double scale) {
  check_activations(name, x);
  int64_t sequences = x.size(0);
  int64_t width = x.size(1);
  TORCH_CHECK(keys.dim() == 4, name, ": keys is ", keys.sizes(),
              ", expected [sequences, key heads, capacity, head width].");
  int64_t key_heads = keys.size(1);
  int64_t capacity = keys.size(2);
  int64_t head_width = keys.size(3);
  TORCH_CHECK(heads > 0 && key_heads > 0 && heads % key_heads == 0, name, ": ", heads,
              " query heads over ", key_heads, " key heads, expected a multiple of them.");
  TORCH_CHECK(head_width > 0 && head_width % 2 == 0, name, ": the head width is ", head_width,
              ", expected an even one for the rotation.");
  check_cache("keys", keys, x, key_heads, head_width);
  check_cache("values", values, x, key_heads, head_width);
  TORCH_CHECK(values.size(2) == capacity, name, ": values has ", values.size(2),
              " positions, expected the ", capacity, " of keys.");
  int64_t rows = (heads + 2 * key_heads) * head_width;
  check_tensor(name, "qkv", qkv, x.scalar_type(), {rows, width});
  check_tensor(name, "output", output, x.scalar_type(), {width, heads * head_width});
  check_tensor(name, "cos", cos, at::kFloat, {sequences, head_width});
  check_tensor(name, "sin", sin, at::kFloat, {sequences, head_width});
  check_tensor(name, "slots", slots, at::kLong, {sequences});
  check_tensor(name, "counts", counts, at::kLong, {sequences});
  check_places(slots, counts, capacity);
  at::Tensor out = at::empty_like(x);
  AttentionStepArguments arguments{
      sequences,
      width,
      heads,
      key_heads,
      head_width,
      x.scalar_type() == at::kBFloat16,
      static_cast<float>(eps),
      static_cast<float>(scale),
      x.const_data_ptr(),
      checked_values(name, "norm", norm, width),
      qkv.const_data_ptr(),
      checked_values(name, "qkv_bias", qkv_bias, rows),
      checked_values(name, "q_norm", q_norm, head_width),
      checked_values(name, "k_norm", k_norm, head_width),
      numbers<float>(cos),
      numbers<float>(sin),
      keys.mutable_data_ptr(),
      strides_of(keys),
      values.mutable_data_ptr(),
      strides_of(values),
      numbers<int64_t>(slots),
      numbers<int64_t>(counts),
      output.const_data_ptr(),
      out.mutable_data_ptr()};
  int64_t bytes = x.element_size();
  for_each_block(sequences, [&](int64_t first, int64_t count) {
    AttentionStepArguments block = arguments;
    block.sequences = count;
    block.x = static_cast<const char *>(arguments.x) + first * width * bytes;
    block.out = static_cast<char *>(arguments.out) + first * width * bytes;
    block.cos += first * head_width;
    block.sin += first * head_width;
    block.keys = static_cast<char *>(arguments.keys) + first * keys.stride(0) * bytes;
    block.values = static_cast<char *>(arguments.values) + first * values.stride(0) * bytes;
    block.slots += first;
    block.counts += first;
    JET_DISPATCH(attention_step_kernel, block);
  });
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("attention_step", &jet::attention_step); }
