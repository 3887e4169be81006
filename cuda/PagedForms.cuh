// PagedForms.cuh: the two forms of paged attention's first kernel, and what each needs to be launched.
#pragma once

#include "PagedWalk.cuh"

namespace jet::cuda {

struct PagedForm {
  void (*kernel)(PagedAttentionCall) = nullptr;
  int shared_bytes = 0;
  int blocks_together = 1;  // on a multiprocessor
};

/// For bfloat16 with heads of a multiple of 8 channels, by the tensor cores.
PagedForm paged_tiles(const PagedAttentionCall &call);

/// For everything else.
PagedForm paged_plain(const PagedAttentionCall &call);

/// The factor of sums whose greatest score was `own`, beside others up to `most`; 0 for sums of nothing.
__device__ inline float decayed(float own, float most) { return own == -INFINITY ? 0.0f : exp2f(own - most); }

/// A sum beside another one, each by its factor; one way to round, wherever pieces are joined.
__device__ inline float joined(float own, float own_factor, float other, float other_factor) {
  return __fmaf_rn(other, other_factor, __fmul_rn(own, own_factor));
}

/// What makes sums of values a mean; 0 where nothing was attended to.
__device__ inline float inverse_of(float total) { return total > 0 ? __frcp_rn(total) : 0.0f; }

/// The row of the pool of key head g, of D elements, where token `i` of sequence n lies; −1 for a page that is none.
__device__ inline int row_of(const PagedAttentionCall &call, int n, int g, int i) {
  int slot = i / call.page_tokens;
  int page = call.pages[int64_t(n) * call.sequence_pages + slot];
  if (page < 0 || page >= call.pool_pages) return -1;
  return (page * call.key_heads + g) * call.page_tokens + i - slot * call.page_tokens;
}

}  // namespace jet::cuda
