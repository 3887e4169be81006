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

/// The row of the pool of key head g, of D elements, where token `i` of sequence n lies; −1 for a page that is none.
__device__ inline int row_of(const PagedAttentionCall &call, int n, int g, int i) {
  int slot = i / call.page_tokens;
  int page = call.pages[int64_t(n) * call.sequence_pages + slot];
  if (page < 0 || page >= call.pool_pages) return -1;
  return (page * call.key_heads + g) * call.page_tokens + i - slot * call.page_tokens;
}

}  // namespace jet::cuda
