// AttentionStep.cpp: the stage of one token of causal attention a sequence,
// `x + output · softmax(scale · q Kᵀ) V`, with `q, k, v = qkv · (rms(x) * norm) + bias`, q and k
// normed a head (if asked) and rotated, k and v first written to `slots` of the cache.
//
// Shapes: x [N, D], qkv [(H + 2G) · Dh, D] with rows q, k, v, cos and sin float32 [N, 1, Dh], keys and
// values [N, G, C, Dh] (any strides but the last), slots and counts int64 [N], output [D, H · Dh].
// Query head h reads key head h / (H / G). Rotary: x * cos + rotate_half(x) * sin.
// Rounded to x's dtype after the norms, the projections, the rotation and the weighted sum.
// Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1; grouped heads: Ainslie et al. 2023,
// arXiv:2305.13245; one pass with partial results: Milakov and Gimelshein 2018, arXiv:1805.02867.

#include <c10/util/Exception.h>

#include "StepArguments.h"

namespace jet {
namespace {

void check_cache(const char *name, const char *which, const at::Tensor &cache, const at::Tensor &x,
                 int64_t key_heads, int64_t head_width) {
  TORCH_CHECK(cache.device().is_cpu() && cache.scalar_type() == x.scalar_type() &&
                  cache.dim() == 4 && cache.size(0) == x.size(0) &&
                  cache.size(1) == key_heads && cache.size(3) == head_width &&
                  cache.stride(3) == 1,
              name, ": ", which, " is ", cache.toString(), " ", cache.sizes(), " with strides ",
              cache.strides(), ", expected ", x.scalar_type(), " [", x.size(0), ", ", key_heads,
              ", capacity, ", head_width, "] on the CPU with a contiguous last dimension.");
}

CacheStrides strides_of(const at::Tensor &cache) {
  return {cache.stride(0), cache.stride(1), cache.stride(2)};
}

void check_places(const char *name, const at::Tensor &slots, const at::Tensor &counts, int64_t capacity) {
  const int64_t *slot = numbers<int64_t>(slots);
  const int64_t *count = numbers<int64_t>(counts);
  for (int64_t n = 0; n < slots.size(0); ++n) {
    TORCH_CHECK(0 <= slot[n] && slot[n] < count[n] && count[n] <= capacity, name, ": sequence ",
                n, " has slot ", slot[n], " and count ", count[n],
                ", expected 0 <= slot < count <= ", capacity, ", the capacity of the cache.");
  }
}

}  // namespace

AttentionStage attention_stage(const char *name, const at::Tensor &x, const at::Tensor &norm,
                               double eps, const at::Tensor &qkv,
                               const std::optional<at::Tensor> &qkv_bias,
                               const std::optional<at::Tensor> &q_norm,
                               const std::optional<at::Tensor> &k_norm, const at::Tensor &cos,
                               const at::Tensor &sin, const at::Tensor &keys,
                               const at::Tensor &values, const at::Tensor &slots,
                               const at::Tensor &counts, const at::Tensor &output, int64_t heads,
                               double scale) {
  StageInput input = stage_input(name, x, norm, eps);
  int64_t sequences = input.sequences;
  int64_t width = input.width;
  TORCH_CHECK(keys.dim() == 4, name, ": keys is ", keys.sizes(),
              ", expected [sequences, key heads, capacity, head width].");
  int64_t key_heads = keys.size(1);
  int64_t capacity = keys.size(2);
  int64_t head_width = keys.size(3);
  TORCH_CHECK(heads > 0 && key_heads > 0 && heads % key_heads == 0, name, ": ", heads,
              " query heads over ", key_heads, " key heads, expected a multiple of them.");
  TORCH_CHECK(head_width > 0 && head_width % 2 == 0, name, ": the head width is ", head_width,
              ", expected an even one for the rotation.");
  check_cache(name, "keys", keys, x, key_heads, head_width);
  check_cache(name, "values", values, x, key_heads, head_width);
  TORCH_CHECK(values.size(2) == capacity, name, ": values has ", values.size(2),
              " positions, expected the ", capacity, " of keys.");
  int64_t rows = (heads + 2 * key_heads) * head_width;
  check_tensor(name, "qkv", qkv, x.scalar_type(), {rows, width});
  check_tensor(name, "output", output, x.scalar_type(), {width, heads * head_width});
  check_tensor(name, "cos", cos, at::kFloat, {sequences, 1, head_width});
  check_tensor(name, "sin", sin, at::kFloat, {sequences, 1, head_width});
  check_tensor(name, "slots", slots, at::kLong, {sequences});
  check_tensor(name, "counts", counts, at::kLong, {sequences});
  check_places(name, slots, counts, capacity);
  return {input,
          heads,
          key_heads,
          head_width,
          static_cast<float>(scale),
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
          nullptr};
}

AttentionStage AttentionStage::block(int64_t first, int64_t count) const {
  AttentionStage block = *this;
  block.input = input.block(first, count);
  block.out = advanced(out, first * input.width, input.bytes());
  block.cos += first * head_width;
  block.sin += first * head_width;
  block.keys = advanced(keys, first * key_strides.sequence, input.bytes());
  block.values = advanced(values, first * value_strides.sequence, input.bytes());
  block.slots += first;
  block.counts += first;
  return block;
}

}  // namespace jet
