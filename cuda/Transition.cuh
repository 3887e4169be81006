// Transition.cuh: what a chunk does to the memory and to its values, as one linear map, laid out in device memory as
// the tensor cores want it in shared memory.
//
// With F = (exp(G − g) K)ᵀ T β and R = P T β (see GatedDeltaRule.h), the corrections U put into the two equations of a
// chunk leave
//     S⁺ = exp(G) S − M S + F V      M = F (exp(g) K)
//     O = N S + R V                  N = exp(g) Q − R (exp(g) K)
// so that nothing within a chunk waits but S⁺ for S.
//
// A matrix of n rows and k columns is a right factor's transpose: columns in groups of eight, [k / 8][n][8]. Eight rows
// of a group are 128 bytes side by side, a core matrix of the tensor cores. The rows of N and R are the tokens, the
// last 16 first, so that what is not zero of R's columns are its first rows.
#pragma once

#include "Record.cuh"

namespace jet::cuda {

/// Sizes and places in a transition of keys of padded width KP, in bfloat16.
template <int KP>
struct Transition {
  static constexpr int kErase = 0;                          // −M [KP, KP]
  static constexpr int kWrite = kErase + KP * KP * 2;       // F [KP, 64]
  static constexpr int kRead = kWrite + KP * kChunk * 2;    // N [64, KP]
  static constexpr int kPass = kRead + KP * kChunk * 2;     // R [64, 64], what is not zero of it
  static constexpr int kTotal = kPass + kChunk * 80;        // exp(G), float32
  static constexpr int kBytes = (kTotal + 16 + 127) / 128 * 128;

  /// The row of N and R that is a token.
  static constexpr int row(int token) { return token ^ 48; }
  /// Of R's columns 16 · step … + 15, the rows that are kept.
  static constexpr int pass_rows(int step) { return kChunk - 16 * step; }
  static constexpr int pass(int step) { return kPass + 32 * step * (kChunk - 8 * (step - 1)); }
};

}  // namespace jet::cuda
