// GatedDeltaRuleGradients.cu: the gradients of queries, keys, write strengths and log decays; every chunk at once.
//
// A block has one chunk of one head. Its warps stand 4 × G: the row of warps has 16 tokens, the column of warps a G-th
// of the keys' columns. They run over the value columns in slices for dO Sᵀ, Y Sᵀ, U dS⁺ᵀ, dO Uᵀ and Y Uᵀ, and
// then over the tokens of the chunk. With N = dP ∘ D b_i a_j and L = −Y Uᵀ ∘ D β_i a_i a_j (a, b the factors of unit
// rows), of raw keys and queries:
//     dq = exp(g) b dO Sᵀ + N k     dk = −β exp(g) a Y Sᵀ + exp(G − g) a U dS⁺ᵀ + (L + Lᵀ) k + Nᵀ q
// and, where rows are brought to unit length, what points along the row is taken away.

#include <type_traits>

#include "GradientTiles.cuh"
#include "Launch.cuh"

namespace jet::cuda {
namespace {

template <typename T, int KP>
__global__ void __launch_bounds__(Plan<T, KP>::kThreads, 1)
    gradients_of_chunks(GatedDeltaRuleCall call, Replay replay, GatedDeltaRuleGradients gradients, int stages,
                        bool aligned_values, bool aligned_incoming) {
  using P = Plan<T, KP>;
  using Layout = Record<T, KP>;
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) Factors factors;
  __shared__ Parts<P::kGroups> parts;
  T *tiles = reinterpret_cast<T *>(shared);

  int chunks = call.chunks();
  int chunk = blockIdx.x % chunks, sequence = blockIdx.x / chunks;
  int b = sequence / call.heads, h = sequence % call.heads;
  int first = chunk * kChunk, count = min(kChunk, call.tokens - first);
  int width = call.value_width, padded_width = (width + 15) / 16 * 16;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int rows = warp % 4, group = warp / 4;
  const unsigned char *record = static_cast<const unsigned char *>(call.records) + int64_t(blockIdx.x) * Layout::kBytes;

  const T *incoming = head_of<T>(gradients.out, b, h) + first * gradients.out.token;
  const T *values = head_of<T>(call.value, b, h) + first * call.value.token;
  const T *solved = static_cast<const T *>(gradients.solved) + int64_t(blockIdx.x) * padded_width * kChunk;
  const T *corrections = static_cast<const T *>(replay.corrections) + int64_t(blockIdx.x) * padded_width * kChunk;
  const T *memories = static_cast<const T *>(replay.memories) + int64_t(blockIdx.x) * padded_width * KP;
  const T *of_memories = static_cast<const T *>(gradients.memories) + int64_t(blockIdx.x) * padded_width * KP;

  float of_query[P::kColumns / 8][4], key_rise[P::kColumns / 8][4], key_fall[P::kColumns / 8][4];
  float of_scores[P::kOthers / 8][4], of_mixing[P::kOthers / 8][4];
  clear(of_query);
  clear(key_rise);
  clear(key_fall);
  clear(of_scores);
  clear(of_mixing);
  float of_values[2][4], of_memory = 0.0f;
  clear(of_values);
  auto fetch = [&](int stage, int slice) {
    T *to = tiles + P::kStages + stage * P::kStage;
    int left_over = padded_width - slice;
    copy_tokens<T, P::kSlice, P::kThreads>(to + P::kIncoming, P::kSliceStride, incoming + slice, gradients.out.token,
                                           count, width - slice, aligned_incoming);
    copy_tokens<T, P::kSlice, P::kThreads>(to + P::kValues, P::kSliceStride, values + slice, call.value.token, count,
                                           width - slice, aligned_values);
    copy_all<T, P::kSlice * kChunk, P::kThreads>(to + P::kSolved, solved + slice * kChunk, left_over * kChunk);
    copy_all<T, P::kSlice * kChunk, P::kThreads>(to + P::kCorrections, corrections + slice * kChunk,
                                                 left_over * kChunk);
    copy_all<T, P::kSlice * KP, P::kThreads>(to + P::kMemories, memories + slice * KP, left_over * KP);
    copy_all<T, P::kSlice * KP, P::kThreads>(to + P::kOfMemories, of_memories + slice * KP, left_over * KP);
  };
  T *keys = tiles + P::kKeys, *queries = tiles + P::kQueries, *scores = tiles + P::kScores;
  auto bring = [&](T *to, int from, auto count) {
    constexpr int kCount = decltype(count)::value;
    copy_all<T, kCount, P::kThreads>(to, reinterpret_cast<const T *>(record + from), kCount);
  };
  for (int ahead = 0; ahead < stages - 1; ++ahead) {
    if (ahead * P::kSlice < width) fetch(ahead, ahead * P::kSlice);
    end_copies();
  }
  for (int i = threadIdx.x; i < int(sizeof(Factors) / 16); i += P::kThreads) {
    reinterpret_cast<uint4 *>(&factors)[i] = reinterpret_cast<const uint4 *>(record)[i];
  }
  // Needed after the last slice; whoever waits for that waits for these.
  bring(keys, Layout::kKeys, std::integral_constant<int, kChunk * P::kKeyStride>());
  bring(queries, Layout::kQueries, std::integral_constant<int, kChunk * P::kKeyStride>());
  bring(scores, Layout::kScores, std::integral_constant<int, kChunk * P::kSquareStride>());
  int next_stage = stages - 1;
  for (int slice = 0, at_stage = 0; slice < width; slice += P::kSlice) {
    // All have done the slice before this one, whose stage is the next to be filled.
    if (stages > 1) await_copies(stages - 2);
    __syncthreads();
    int next = slice + (stages - 1) * P::kSlice;
    if (next < width) fetch(next_stage, next);
    end_copies();
    if (stages == 1) {
      await_copies(0);
      __syncthreads();
    }
    const T *stage = tiles + P::kStages + at_stage * P::kStage;
    next_stage = at_stage;
    if (++at_stage == stages) at_stage = 0;
    Blocks<const T> of_solved{stage + P::kSolved, kChunk / 8}, of_corrections{stage + P::kCorrections, kChunk / 8};
    Blocks<const T> of_memory_before{stage + P::kMemories, KP / 8}, of_memory_after{stage + P::kOfMemories, KP / 8};
#pragma unroll
    for (int k = 0; k < P::kSlice; k += 16) {
      Left<T> incoming_rows, solved_rows, correction_rows;
      load(incoming_rows, stage + P::kIncoming, P::kSliceStride, 16 * rows, k);
      load_transposed(solved_rows, of_solved, k, 16 * rows);
      load_transposed(correction_rows, of_corrections, k, 16 * rows);
#pragma unroll
      for (int n = 0; n < P::kColumns / 16; ++n) {
        Right<T> right;
        int column = group * P::kColumns + 16 * n;
        load(right, of_memory_before, k, column);
        multiply(of_query[2 * n], of_query[2 * n + 1], incoming_rows, right);
        multiply(key_rise[2 * n], key_rise[2 * n + 1], solved_rows, right);
        load(right, of_memory_after, k, column);
        multiply(key_fall[2 * n], key_fall[2 * n + 1], correction_rows, right);
      }
#pragma unroll
      for (int n = 0; n < P::kOthers / 16; ++n) {
        // What is above the diagonal is not used.
        if (group * P::kOthers / 16 + n > rows) continue;
        Right<T> right;
        load(right, of_corrections, k, group * P::kOthers + 16 * n);
        multiply(of_scores[2 * n], of_scores[2 * n + 1], incoming_rows, right);
        multiply(of_mixing[2 * n], of_mixing[2 * n + 1], solved_rows, right);
      }
      if (group == P::kGroups - 1) {
        Right<T> right;
        load_transposed(right, stage + P::kValues, P::kSliceStride, 16 * rows, k);
        multiply(of_values[0], of_values[1], solved_rows, right);
      }
    }
#pragma unroll 4
    for (int i = 2 * threadIdx.x; i < P::kSlice * KP; i += 2 * P::kThreads)
      of_memory += product(stage + P::kMemories + i, stage + P::kOfMemories + i);
  }
  await_copies(0);
  __syncthreads();
  // Of Y Vᵀ only the diagonal is used.
  if (group == P::kGroups - 1 && lane / 8 == lane % 4) {
    int i = 16 * rows + lane / 4;
    bool is_odd = lane / 4 % 2;
    parts.of_values[i] = is_odd ? of_values[0][1] : of_values[0][0];
    parts.of_values[i + 8] = is_odd ? of_values[1][3] : of_values[1][2];
  }
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) of_memory += __shfl_xor_sync(~0u, of_memory, distance);
  if (lane == 0) parts.of_memory[warp] = of_memory;

  // N and L, and what they say of decays and write strengths.
  float of_keys[P::kOthers / 8][4];
  clear(of_keys);
  for (int k = 0; k < KP; k += 16) {
    Left<T> left;
    load(left, keys, P::kKeyStride, 16 * rows, k);
#pragma unroll
    for (int n = 0; n < P::kOthers / 16; ++n) {
      if (group * P::kOthers / 16 + n > rows) continue;
      Right<T> right;
      load_transposed(right, keys, P::kKeyStride, group * P::kOthers + 16 * n, k);
      multiply(of_keys[2 * n], of_keys[2 * n + 1], left, right);
    }
  }
  float column_sums[P::kOthers / 8][2];
#pragma unroll
  for (int n = 0; n < P::kOthers / 8; ++n) column_sums[n][0] = column_sums[n][1] = 0.0f;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int i = 16 * rows + lane / 4 + 8 * half;
    float row_sum = 0.0f, strength_sum = 0.0f, strength = factors.strength[i];
#pragma unroll
    for (int n = 0; n < P::kOthers / 8; ++n) {
      int j = group * P::kOthers + 8 * n + 2 * (lane % 4);
      float of_score[2], of_mixed[2];
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        int other = j + e;
        float decayed = other <= i ? expf(static_cast<float>(factors.decay[i] - factors.decay[other])) : 0.0f;
        decayed *= factors.key_norm[other];
        float incoming_score = of_scores[n][2 * half + e];
        of_score[e] = incoming_score * decayed * factors.query_norm[i];
        float sum = other <= i ? incoming_score * number(scores[i * P::kSquareStride + other]) : 0.0f;
        float mixed = other < i ? -of_mixing[n][2 * half + e] * decayed * factors.key_norm[i] : 0.0f;
        float by_strength = mixed * of_keys[n][2 * half + e];
        of_mixed[e] = mixed * strength;
        sum += by_strength * strength;
        strength_sum += by_strength;
        row_sum += sum;
        column_sums[n][e] += sum;
      }
      store_pair(tiles + P::kOfScores + i * P::kSquareStride + j, of_score[0], of_score[1]);
      store_pair(tiles + P::kOfMixing + i * P::kSquareStride + j, of_mixed[0], of_mixed[1]);
    }
    row_sum = over_quad(row_sum);
    strength_sum = over_quad(strength_sum);
    if (lane % 4 == 0) {
      parts.of_row[group][i] = row_sum;
      parts.of_strength[group][i] = strength_sum;
    }
  }
#pragma unroll
  for (int n = 0; n < P::kOthers / 8; ++n) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      float sum = column_sums[n][e];
      sum += __shfl_xor_sync(~0u, sum, 4);
      sum += __shfl_xor_sync(~0u, sum, 8);
      sum += __shfl_xor_sync(~0u, sum, 16);
      if (lane / 4 == 0) parts.of_column[rows][group * P::kOthers + 8 * n + 2 * (lane % 4) + e] = sum;
    }
  }

  // What the memory says of queries and keys.
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int i = 16 * rows + lane / 4 + 8 * half;
    float query_sum = 0.0f, rise_sum = 0.0f, fall_sum = 0.0f, strength = factors.strength[i];
    float rise_query = factors.rise_query[i], rise_key = factors.rise_key[i], fall = factors.fall[i];
#pragma unroll
    for (int n = 0; n < P::kColumns / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        int at = i * P::kKeyStride + group * P::kColumns + 8 * n + 2 * (lane % 4) + e;
        float q = number(queries[at]), k = number(keys[at]);
        float &query = of_query[n][2 * half + e], &rise = key_rise[n][2 * half + e];
        float &key = key_fall[n][2 * half + e];
        query *= rise_query;
        rise *= -rise_key;
        key *= fall;
        query_sum += q * query;
        rise_sum += k * rise;
        fall_sum += k * key;
        key += strength * rise;
      }
    }
    query_sum = over_quad(query_sum);
    rise_sum = over_quad(rise_sum);
    fall_sum = over_quad(fall_sum);
    if (lane % 4 == 0) {
      parts.query_rise[group][i] = query_sum;
      parts.key_rise[group][i] = rise_sum;
      parts.key_fall[group][i] = fall_sum;
    }
  }
  __syncthreads();

  // key_fall holds all of dk from here on.
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    Left<T> score_rows, mixing_rows, score_columns, mixing_columns;
    load(score_rows, tiles + P::kOfScores, P::kSquareStride, 16 * rows, 16 * k);
    load(mixing_rows, tiles + P::kOfMixing, P::kSquareStride, 16 * rows, 16 * k);
    load_transposed(score_columns, tiles + P::kOfScores, P::kSquareStride, 16 * k, 16 * rows);
    load_transposed(mixing_columns, tiles + P::kOfMixing, P::kSquareStride, 16 * k, 16 * rows);
#pragma unroll
    for (int n = 0; n < P::kColumns / 16; ++n) {
      Right<T> right;
      int column = group * P::kColumns + 16 * n;
      load(right, keys, P::kKeyStride, 16 * k, column);
      if (k <= rows) {
        multiply(of_query[2 * n], of_query[2 * n + 1], score_rows, right);
        multiply(key_fall[2 * n], key_fall[2 * n + 1], mixing_rows, right);
      }
      if (k >= rows) {
        multiply(key_fall[2 * n], key_fall[2 * n + 1], mixing_columns, right);
        load(right, queries, P::kKeyStride, 16 * k, column);
        multiply(key_fall[2 * n], key_fall[2 * n + 1], score_columns, right);
      }
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int i = 16 * rows + lane / 4 + 8 * half;
    float along_query = 0.0f, along_key = 0.0f;
#pragma unroll
    for (int n = 0; n < P::kColumns / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        int at = i * P::kKeyStride + group * P::kColumns + 8 * n + 2 * (lane % 4) + e;
        along_query += number(queries[at]) * of_query[n][2 * half + e];
        along_key += number(keys[at]) * key_fall[n][2 * half + e];
      }
    }
    along_query = over_quad(along_query);
    along_key = over_quad(along_key);
    if (lane % 4 == 0) {
      parts.along_query[group][i] = along_query;
      parts.along_key[group][i] = along_key;
    }
  }
  __syncthreads();

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int i = 16 * rows + lane / 4 + 8 * half;
    float along_query = 0.0f, along_key = 0.0f;
    if (call.normalize) {
#pragma unroll
      for (int part = 0; part < P::kGroups; ++part) {
        along_query += parts.along_query[part][i];
        along_key += parts.along_key[part][i];
      }
      float query_norm = factors.query_norm[i] / call.scale, key_norm = factors.key_norm[i];
      along_query *= query_norm * query_norm;
      along_key *= key_norm * key_norm;
    }
    if (i >= count) continue;
    T *of_queries_out = row_of<T>(gradients.query, b, first + i, h);
    T *of_keys_out = row_of<T>(gradients.key, b, first + i, h);
    bool is_paired = gradients.query.are_paired && gradients.key.are_paired;
#pragma unroll
    for (int n = 0; n < P::kColumns / 8; ++n) {
      int column = group * P::kColumns + 8 * n + 2 * (lane % 4);
      int at = i * P::kKeyStride + column;
      float query[2], key[2];
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        query[e] = of_query[n][2 * half + e] - along_query * number(queries[at + e]);
        key[e] = key_fall[n][2 * half + e] - along_key * number(keys[at + e]);
      }
      if (is_paired && column < call.key_width) {
        store_pair(of_queries_out + column, query[0], query[1]);
        store_pair(of_keys_out + column, key[0], key[1]);
      } else {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          if (column + e >= call.key_width) continue;
          of_queries_out[column + e] = rounded<T>(query[e]);
          of_keys_out[column + e] = rounded<T>(key[e]);
        }
      }
    }
  }

  if (threadIdx.x < kChunk) {
    int i = threadIdx.x;
    float of_strength = parts.of_values[i], of_decay = 0.0f;
#pragma unroll
    for (int part = 0; part < P::kGroups; ++part) {
      of_strength += parts.of_strength[part][i] + parts.key_rise[part][i];
      of_decay += parts.of_row[part][i] + parts.query_rise[part][i] - parts.key_fall[part][i] +
                  factors.strength[i] * parts.key_rise[part][i];
    }
#pragma unroll
    for (int part = 0; part < 4; ++part) of_decay -= parts.of_column[part][i];
    parts.decay[i] = of_decay;
    if (i < count) {
      gradients.write_strength[(int64_t(b) * call.tokens + first + i) * call.heads + h] = of_strength;
    }
  }
  __syncthreads();
  if (threadIdx.x < count) {
    // G is the sum of all log decays, g_i of those up to i.
    float sum = 0.0f;
    for (int part = 0; part < 4 * P::kGroups; ++part) sum += parts.of_memory[part];
    sum *= factors.total[0];
    for (int i = 0; i < kChunk; ++i) {
      for (int part = 0; part < P::kGroups; ++part) sum += parts.key_fall[part][i];
    }
    for (int i = kChunk - 1; i >= int(threadIdx.x); --i) sum += parts.decay[i];
    gradients.log_decay[(int64_t(b) * call.tokens + first + threadIdx.x) * call.heads + h] = sum;
  }
}

template <typename T, int KP>
cudaError_t launch(const GatedDeltaRuleCall &call, const Replay &replay, const GatedDeltaRuleGradients &gradients) {
  using P = Plan<T, KP>;
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  // The factors and parts of sums lie beside them.
  int stages = P::kMostStages, own = sizeof(Factors) + sizeof(Parts<P::kGroups>) + 128;
  while (stages > P::kFewestStages && P::bytes(stages) + own > card.shared_bytes) --stages;
  error =
      cudaFuncSetAttribute(gradients_of_chunks<T, KP>, cudaFuncAttributeMaxDynamicSharedMemorySize, P::bytes(stages));
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * call.chunks();
  gradients_of_chunks<T, KP><<<static_cast<unsigned>(blocks), P::kThreads, P::bytes(stages), call.stream>>>(
      call, replay, gradients, stages, is_aligned(call.value, call.value_width, sizeof(T)),
      is_aligned(gradients.out, call.value_width, sizeof(T)));
  return cudaGetLastError();
}

}  // namespace

cudaError_t gated_delta_rule_gradients(const GatedDeltaRuleCall &call, const Replay &replay,
                                       const GatedDeltaRuleGradients &gradients) {
  return JET_FOR_KERNEL_CASE(call, launch<T, KP>(call, replay, gradients));
}

}  // namespace jet::cuda
