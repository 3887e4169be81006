// PagedAttention.h: attention of one new token of each of N sequences to keys and values in pages of a pool.
//
// Query head h of sequence n meets key head h G / H:
//     o = Σ_i softmax_i(scale q · k_i) v_i     over i < count, count = p + 1, in a ring min(p + 1, C)
// with p the sequence's position and token i at i mod C of page pages[n][i / C]; float32 sums. No token gives zeros.
//
// The tokens of a sequence are cut into units of 64, and these into pieces of about equal length; how many pieces there
// are depends on the sequence's own length and on the call's sizes, never on what the other sequences hold. Pieces are
// joined one behind the other, by the block that has all from the first one on, or by a second kernel; both reckon
// alike, so of as many sequences one's result has the same bits whatever the others are and at any place of the batch.
// All pieces stand in one row, of which each block takes an equal part, to a piece; so blocks are busy alike unless few
// sequences are much longer than the others, whose pieces are then as many blocks' only work. The positions are
// read on the device. Source: the softmax in parts is Dao et al. 2023, "Flash-Decoding for long-context inference".
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// Tokens of a unit.
constexpr int kUnit = 64;
/// Sequences of up to 2^k units are of class k; there are 2^25 units of tokens that an int32 counts.
constexpr int kClasses = 26;
/// The most pieces of a sequence, so that their weights have room in shared memory.
constexpr int kMostPieces = 1024;
/// The most query heads of a key head, and the widest head.
constexpr int kMostGroup = 16;
constexpr int kWidestHead = 256;

/// Sizes and tensors of one call; all pointers are of the device. T is bfloat16 where `half`, else float32.
struct PagedAttentionCall {
  int sequences;
  int key_heads;       // G
  int group;           // H / G, at most 16
  int head_width;      // D, at most 256
  int page_tokens;     // C
  int sequence_pages;  // M
  int pool_pages;      // P
  int limit;           // the most tokens of a sequence: M C, in a ring C
  bool half;
  float scale;
  const void *query;     // T [N, H, D]
  const void *keys;      // T [P, G, C, D]
  const void *values;    // T [P, G, C, D]
  const int *pages;      // [N, M]
  const int *positions;  // [N]
  void *out;             // T [N, H D]
  // Of the plan.
  int blocks;
  int pieces[kClasses];  // S of a sequence, by its class; as many as it has units where these are fewer
  int most_pieces;       // the most of these for a sequence within the limit
  float *partials;       // [N, G, most pieces, H / G, D]
  float2 *measures;  // [N, G, most pieces, H / G]: the greatest score, in powers of two, and the sum of exponentials
  int4 *spans;       // [blocks]: sequence, key head, first piece to read and pieces of what the block has begun only
  cudaStream_t stream;
};

/// How a call is cut up; depends on the sizes and the present device alone.
struct PagedAttentionPlan {
  bool fast;  // by the tensor cores
  int64_t workspace_bytes;
};

/// Plans a call, whose workspace is not known yet.
cudaError_t plan_paged_attention(PagedAttentionCall &call, PagedAttentionPlan &plan);

/// Puts the parts of a workspace, aligned to 16 bytes, into the call.
void place_workspace(PagedAttentionCall &call, void *workspace);

cudaError_t launch_paged_attention(const PagedAttentionCall &call, const PagedAttentionPlan &plan);

}  // namespace jet::cuda
