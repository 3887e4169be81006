// AttentionStep.cpp: the stage of one token of causal attention a sequence,
// `x + output · softmax(scale · q Kᵀ) V`, with `q, k, v = qkv · (rms(x) * norm) + bias`, q and k
// normed a head (if asked) and rotated, k and v first written to their pools.
//
// Shapes: x [N, D], qkv [(H + 2G) · Dh, D] with rows q, k, v, cos and sin float32 [N, 1, Dh], keys and
// values [P, G, C, Dh] (any strides but the last), pages int32 [N, M], positions int32 [N],
// output [D, H · Dh].
// The token of row n, at p = positions[n], goes to entry p mod C of page pages[n][p / C], and the p + 1
// entries up to it are looked at. In a ring it goes to entry p mod C of pages[n][0], and min(p + 1, C)
// entries are looked at. What the table holds behind those pages is not read.
// Query head h reads key head h / (H / G). Rotary: x * cos + rotate_half(x) * sin.
// Rounded to x's dtype after the norms, the projections, the rotation and the weighted sum.
// Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1; grouped heads: Ainslie et al. 2023,
// arXiv:2305.13245; one pass with partial results: Milakov and Gimelshein 2018, arXiv:1805.02867.

#include <c10/util/Exception.h>

#include <utility>
#include <vector>

#include "StepArguments.h"

namespace jet {
namespace {

void check_pool(const char *name, const char *which, const at::Tensor &pool, const at::Tensor &x,
                at::IntArrayRef shape) {
  TORCH_CHECK(
      pool.device().is_cpu() && pool.scalar_type() == x.scalar_type() && pool.sizes() == shape && pool.stride(3) == 1,
      name, ": ", which, " is ", pool.toString(), " ", pool.sizes(), " with strides ", pool.strides(), ", expected ",
      x.scalar_type(), " ", shape, " on the CPU with a contiguous last dimension.");
}

PageStrides strides_of(const at::Tensor &pool) { return {pool.stride(0), pool.stride(1), pool.stride(2)}; }

/// Throws unless each sequence has the pages that it looks at, and a page to itself that it writes to.
void check_table(const char *name, const AttentionStage &stage, int64_t pages) {
  std::vector<int32_t> written;
  written.reserve(stage.input.sequences);
  for (int64_t n = 0; n < stage.input.sequences; ++n) {
    int64_t position = stage.positions[n];
    TORCH_CHECK(position >= 0 && (stage.ring || position / stage.page_entries < stage.table_pages), name, ": sequence ",
                n, " is at position ", position, ", expected one of ", stage.table_pages, " pages of ",
                stage.page_entries, " positions.");
    const int32_t *row = stage.pages + n * stage.table_pages;
    int64_t last = stage.entry(n) / stage.page_entries;
    for (int64_t i = 0; i <= last; ++i) {
      TORCH_CHECK(0 <= row[i] && row[i] < pages, name, ": sequence ", n, " has page ", row[i],
                  ", expected one from 0 to ", pages - 1, ", the last of the pool.");
    }
    written.push_back(row[last]);
  }
  check_distinct(name, "page", std::move(written));
}

}  // namespace

AttentionStage attention_stage(const char *name, const at::Tensor &x, const at::Tensor &norm, double eps,
                               const at::Tensor &qkv, const std::optional<at::Tensor> &qkv_bias,
                               const std::optional<at::Tensor> &q_norm, const std::optional<at::Tensor> &k_norm,
                               const at::Tensor &cos, const at::Tensor &sin, const at::Tensor &keys,
                               const at::Tensor &values, const at::Tensor &pages, const at::Tensor &positions,
                               bool ring, const at::Tensor &output, int64_t heads, double scale) {
  StageInput input = stage_input(name, x, norm, eps);
  int64_t sequences = input.sequences;
  int64_t width = input.width;
  TORCH_CHECK(keys.dim() == 4, name, ": keys is ", keys.sizes(),
              ", expected [pages, key heads, entries of a page, head width].");
  int64_t key_heads = keys.size(1);
  int64_t page_entries = keys.size(2);
  int64_t head_width = keys.size(3);
  TORCH_CHECK(heads > 0 && key_heads > 0 && heads % key_heads == 0, name, ": ", heads, " query heads over ", key_heads,
              " key heads, expected a multiple of them.");
  TORCH_CHECK(head_width > 0 && head_width % 2 == 0, name, ": the head width is ", head_width,
              ", expected an even one for the rotation.");
  TORCH_CHECK(page_entries > 0, name, ": keys is ", keys.sizes(), ", expected pages that are not empty.");
  check_pool(name, "keys", keys, x, keys.sizes());
  check_pool(name, "values", values, x, keys.sizes());
  int64_t rows = (heads + 2 * key_heads) * head_width;
  check_tensor(name, "qkv", qkv, x.scalar_type(), {rows, width});
  check_tensor(name, "output", output, x.scalar_type(), {width, heads * head_width});
  check_tensor(name, "cos", cos, at::kFloat, {sequences, 1, head_width});
  check_tensor(name, "sin", sin, at::kFloat, {sequences, 1, head_width});
  int64_t table_pages = pages.dim() == 2 && pages.size(1) > 0 ? pages.size(1) : 1;
  check_tensor(name, "pages", pages, at::kInt, {sequences, table_pages});
  check_tensor(name, "positions", positions, at::kInt, {sequences});
  AttentionStage stage{input,
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
                       page_entries,
                       table_pages,
                       ring,
                       numbers<int32_t>(pages),
                       numbers<int32_t>(positions),
                       output.const_data_ptr(),
                       nullptr};
  check_table(name, stage, keys.size(0));
  return stage;
}

AttentionStage AttentionStage::block(int64_t first, int64_t count) const {
  AttentionStage block = *this;
  block.input = input.block(first, count);
  block.out = advanced(out, first * input.width, input.bytes());
  block.cos += first * head_width;
  block.sin += first * head_width;
  block.pages += first * table_pages;
  block.positions += first;
  return block;
}

}  // namespace jet
