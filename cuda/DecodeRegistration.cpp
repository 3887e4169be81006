// DecodeRegistration.cpp: the CUDA implementations of the operators of decode on pools, for libtorch's dispatcher.
// Schemas are in Sources/CJetKernels/Library.cpp.

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <climits>

#include "Checks.h"
#include "PagedAttention.h"
#include "RotaryStep.h"
#include "Sampling.h"

namespace jet::cuda {
namespace {

/// Keys, values, pages and positions of `sequences` sequences, for numbers of the type of `like`.
void check_pools(const char *operation, const at::Tensor &keys, const at::Tensor &values, const at::Tensor &pages,
                 const at::Tensor &positions, bool ring, int64_t sequences, const at::Tensor &like) {
  TORCH_CHECK(keys.dim() == 4 && pages.dim() == 2, operation, ": keys is ", keys.sizes(), " and pages ", pages.sizes(),
              ", expected [pages, key heads, tokens, head width] and [sequences, pages].");
  check_tensor(operation, "keys", keys, like, like.scalar_type(), keys.sizes());
  check_tensor(operation, "values", values, like, like.scalar_type(), keys.sizes());
  check_tensor(operation, "pages", pages, like, at::kInt, {sequences, pages.size(1)});
  check_tensor(operation, "positions", positions, like, at::kInt, {sequences});
  TORCH_CHECK(keys.size(1) > 0 && keys.size(2) > 0 && keys.size(3) > 0 &&
                  keys.size(0) * keys.size(1) * keys.size(2) <= INT_MAX &&
                  pages.size(1) * keys.size(2) < INT_MAX - kUnit,
              operation, ": keys is ", keys.sizes(), " and pages ", pages.sizes(),
              ", expected tokens, and fewer than 2147483647 of them.");
  TORCH_CHECK(!ring || pages.size(1) == 1, operation, ": pages is ", pages.sizes(),
              ", expected one page a sequence, its ring.");
}

at::Tensor rotary_step(const at::Tensor &projected, const std::optional<at::Tensor> &query_norm,
                       const std::optional<at::Tensor> &key_norm, double eps, const at::Tensor &frequencies,
                       double magnitude, const at::Tensor &keys, const at::Tensor &values, const at::Tensor &pages,
                       const at::Tensor &positions, bool ring) {
  constexpr const char *kName = "rotary_step";
  c10::cuda::CUDAGuard guard(projected.device());
  check_dtype(kName, "projected", projected);
  TORCH_CHECK(projected.dim() == 2 && (projected.size(1) <= 1 || projected.stride(1) == 1), kName, ": projected is ",
              projected.sizes(), " with strides ", projected.strides(),
              ", expected [sequences, heads x head width] with a contiguous last dimension.");
  int64_t sequences = projected.size(0);
  check_pools(kName, keys, values, pages, positions, ring, sequences, projected);
  int64_t width = keys.size(3), key_heads = keys.size(1);
  int64_t heads = projected.size(1) / width - 2 * key_heads;
  TORCH_CHECK(projected.size(1) % width == 0 && heads > 0 && width % 2 == 0 && width <= kRotaryStepWidest, kName,
              ": projected is ", projected.sizes(), " beside keys ", keys.sizes(),
              ", expected queries, keys and values of heads of an even width of at most ", kRotaryStepWidest, ".");
  check_tensor(kName, "frequencies", frequencies, projected, at::kFloat, {width / 2});
  auto norm = [&](const char *name, const std::optional<at::Tensor> &weight) -> const void * {
    if (!weight || !weight->defined()) return nullptr;
    check_tensor(kName, name, *weight, projected, projected.scalar_type(), {width});
    return weight->const_data_ptr();
  };
  at::Tensor queries = at::empty({sequences, heads, width}, projected.options());
  RotaryStepCall call{};
  call.sequences = static_cast<int>(sequences);
  call.heads = static_cast<int>(heads);
  call.key_heads = static_cast<int>(key_heads);
  call.head_width = static_cast<int>(width);
  call.page_tokens = static_cast<int>(keys.size(2));
  call.sequence_pages = static_cast<int>(pages.size(1));
  call.pool_pages = static_cast<int>(keys.size(0));
  call.half = projected.scalar_type() == at::kBFloat16;
  call.ring = ring;
  call.eps = static_cast<float>(eps);
  call.magnitude = static_cast<float>(magnitude);
  call.projected = projected.const_data_ptr();
  call.row_stride = projected.stride(0);
  call.query_norm = norm("query_norm", query_norm);
  call.key_norm = norm("key_norm", key_norm);
  call.frequencies = static_cast<const float *>(frequencies.const_data_ptr());
  call.pages = static_cast<const int *>(pages.const_data_ptr());
  call.positions = static_cast<const int *>(positions.const_data_ptr());
  call.keys = keys.mutable_data_ptr();
  call.values = values.mutable_data_ptr();
  call.queries = queries.mutable_data_ptr();
  call.stream = c10::cuda::getCurrentCUDAStream(projected.device().index());
  check_launch(launch_rotary_step(call), kName);
  return queries;
}

at::Tensor paged_attention_step(const at::Tensor &query, const at::Tensor &keys, const at::Tensor &values,
                                const at::Tensor &pages, const at::Tensor &positions, bool ring, double scale) {
  constexpr const char *kName = "paged_attention_step";
  c10::cuda::CUDAGuard guard(query.device());
  check_dtype(kName, "query", query);
  TORCH_CHECK(query.dim() == 3, kName, ": query is ", query.sizes(), ", expected [sequences, heads, head width].");
  int64_t sequences = query.size(0), heads = query.size(1), width = query.size(2);
  check_tensor(kName, "query", query, query, query.scalar_type(), query.sizes());
  check_pools(kName, keys, values, pages, positions, ring, sequences, query);
  int64_t key_heads = keys.size(1), group = heads / key_heads;
  TORCH_CHECK(
      keys.size(3) == width && heads % key_heads == 0 && group >= 1 && group <= kMostGroup && width <= kWidestHead,
      kName, ": query is ", query.sizes(), " beside keys ", keys.sizes(),
      ", expected heads of a width of at "
      "most ",
      kWidestHead, ", from 1 to ", kMostGroup, " of the query for each of the keys.");
  PagedAttentionCall call{};
  call.sequences = static_cast<int>(sequences);
  call.key_heads = static_cast<int>(key_heads);
  call.group = static_cast<int>(group);
  call.head_width = static_cast<int>(width);
  call.page_tokens = static_cast<int>(keys.size(2));
  call.sequence_pages = static_cast<int>(pages.size(1));
  call.pool_pages = static_cast<int>(keys.size(0));
  call.limit = static_cast<int>(pages.size(1) * keys.size(2));
  TORCH_CHECK(sequences * key_heads * (call.limit / kUnit + 1) <= INT_MAX / 2, kName, ": pages is ", pages.sizes(),
              " beside keys ", keys.sizes(), ", more than the kernel counts.");
  call.half = query.scalar_type() == at::kBFloat16;
  call.scale = static_cast<float>(scale);
  call.query = query.const_data_ptr();
  call.keys = keys.const_data_ptr();
  call.values = values.const_data_ptr();
  call.pages = static_cast<const int *>(pages.const_data_ptr());
  call.positions = static_cast<const int *>(positions.const_data_ptr());
  at::Tensor out = at::empty({sequences, heads * width}, query.options());
  if (sequences == 0) return out;
  call.out = out.mutable_data_ptr();
  call.stream = c10::cuda::getCurrentCUDAStream(query.device().index());
  PagedAttentionPlan plan;
  check_launch(plan_paged_attention(call, plan), kName);
  at::Tensor workspace = at::empty({plan.workspace_bytes}, query.options().dtype(at::kByte));
  place_workspace(call, workspace.mutable_data_ptr());
  check_launch(launch_paged_attention(call, plan), kName);
  return out;
}

at::Tensor sample_step(const at::Tensor &logits, const at::Tensor &temperature, const at::Tensor &top_k,
                       const at::Tensor &top_p, const at::Tensor &min_p, const at::Tensor &seeds,
                       const at::Tensor &positions) {
  constexpr const char *kName = "sample_step";
  c10::cuda::CUDAGuard guard(logits.device());
  TORCH_CHECK(logits.dim() == 2 && logits.scalar_type() == at::kFloat && logits.size(1) > 0 &&
                  logits.size(1) < INT_MAX / 2 && logits.size(0) <= 65535 &&
                  (logits.size(1) == 1 || logits.stride(1) == 1),
              kName, ": logits is ", logits.toString(), " ", logits.sizes(), " with strides ", logits.strides(),
              ", expected float32 [at most 65535 rows, vocabulary] with a contiguous last dimension.");
  int64_t rows = logits.size(0);
  check_tensor(kName, "temperature", temperature, logits, at::kFloat, {rows});
  check_tensor(kName, "top_k", top_k, logits, at::kInt, {rows});
  check_tensor(kName, "top_p", top_p, logits, at::kFloat, {rows});
  check_tensor(kName, "min_p", min_p, logits, at::kFloat, {rows});
  check_tensor(kName, "seeds", seeds, logits, at::kLong, {rows});
  check_tensor(kName, "positions", positions, logits, at::kInt, {rows});
  at::Tensor ids = at::empty({rows}, logits.options().dtype(at::kLong));
  SampleStepCall call{};
  call.rows = static_cast<int>(rows);
  call.vocabulary = static_cast<int>(logits.size(1));
  call.logits = static_cast<const float *>(logits.const_data_ptr());
  call.row_stride = logits.stride(0);
  call.temperature = static_cast<const float *>(temperature.const_data_ptr());
  call.top_k = static_cast<const int *>(top_k.const_data_ptr());
  call.top_p = static_cast<const float *>(top_p.const_data_ptr());
  call.min_p = static_cast<const float *>(min_p.const_data_ptr());
  call.seeds = static_cast<const int64_t *>(seeds.const_data_ptr());
  call.positions = static_cast<const int *>(positions.const_data_ptr());
  call.ids = static_cast<int64_t *>(ids.mutable_data_ptr());
  call.stream = c10::cuda::getCurrentCUDAStream(logits.device().index());
  check_launch(launch_sample_step(call), kName);
  return ids;
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) {
  m.impl("rotary_step", &jet::cuda::rotary_step);
  m.impl("paged_attention_step", &jet::cuda::paged_attention_step);
  m.impl("sample_step", &jet::cuda::sample_step);
}
