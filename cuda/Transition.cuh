// Transition.cuh: what a chunk does to the memory and to its values, as one linear map, laid out in device memory as
// the tensor cores want it in shared memory.
//
// With F = (exp(G − g) K)ᵀ T β and R = P T β (see GatedDeltaRule.h), the corrections U put into the two equations of a
// chunk leave
//     S⁺ = exp(G) S − M S + F V      M = F (exp(g) K)
//     O = N S + R V                  N = exp(g) Q − R (exp(g) K)
// so that nothing within a chunk waits but S⁺ for S. A replay asks for the corrections in place of the outputs,
//     U = − T β (exp(g) K) S + T β V
// a training walk for both. Backwards the same maps are transposed, with F and R before their columns are multiplied
// by β:
//     dS = exp(G) dS⁺ − Mᵀ dS⁺ + Nᵀ dO      Y = (Fβ⁻¹)ᵀ dS⁺ + (Rβ⁻¹)ᵀ dO
//
// A transition has what the memory is multiplied by and what the tokens are, for the next memory (erase, write) and for
// the tokens' results (read, pass). Each is the transpose of a right factor: of n rows and k columns, in groups of
// eight columns, [k / 8][n][8]. Eight rows of a group are 128 bytes side by side, a core matrix of the tensor cores. M
// and N serve both directions: backwards the tensor cores turn them, and N is for the next memory.
//
// R is lower triangular: with the last 16 tokens first in its rows, what is not zero of its columns are its first rows.
// Rᵀ is upper triangular, and has the last 16 tokens first in its columns. So has Nᵀ.
#pragma once

#include "Record.cuh"

namespace jet::cuda {

/// Sizes and places in a transition of keys of padded width KP, in bfloat16.
template <int KP>
struct Transition {
  // What both directions have. Four parts of it lie on lines of the second-level cache.
  static constexpr int kErase = 0;                        // M [KP, KP]
  static constexpr int kRead = kErase + KP * KP * 2;      // N [64, KP]
  static constexpr int kTotal = kRead + KP * kChunk * 2;  // exp(G), float32, four times
  static constexpr int kStrength = kTotal + 16;           // β of the tokens, float32
  static constexpr int kBoth = (kStrength + kChunk * 4 + 511) / 512 * 512;
  // What follows it, counted from there: forwards F [KP, 64], backwards its transpose, for the results; and R [64, 64],
  // what is not zero of it.
  static constexpr int kWrite = 0;
  static constexpr int kPass = kWrite + KP * kChunk * 2;
  static constexpr int kOne = kPass + kChunk * 80;
  static constexpr int kBytes = kBoth + kOne;
  // In a training walk then what takes the places of N and R for the corrections.
  static constexpr int kReadCorrections = kOne;
  static constexpr int kPassCorrections = kReadCorrections + KP * kChunk * 2;
  static constexpr int kTwo = kPassCorrections + kChunk * 80;
  static_assert(kOne % 512 == 0 && kTwo % 512 == 0);

  /// A token's place among those of which the last 16 come first.
  static constexpr int reordered(int token) { return token ^ 48; }
  /// Of the columns 16 · step … + 15 of the triangle, the rows that are kept, and where these lie in it.
  static constexpr int pass_rows(int step) { return kChunk - 16 * step; }
  static constexpr int pass(int step) { return 32 * step * (kChunk - 8 * (step - 1)); }
};

}  // namespace jet::cuda
