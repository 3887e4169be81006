// Transition.cuh: what a chunk does to the memory and to its values, as one linear map, laid out in device memory as
// the tensor cores want it in shared memory.
//
// With F = (exp(G − g) K)ᵀ T β and R = P T β (see GatedDeltaRule.h), the corrections U put into the two equations of a
// chunk leave
//     S⁺ = exp(G) S − M S + F V      M = F (exp(g) K)
//     O = N S + R V                  N = exp(g) Q − R (exp(g) K)
// so that nothing within a chunk waits but S⁺ for S. A replay asks for the corrections in place of the outputs,
//     U = − T β (exp(g) K) S + T β V
// a training walk for both: N and R are then behind the rest of its transitions. Backwards the same maps are transposed,
// with F and R before their columns are multiplied by β:
//     dS = exp(G) dS⁺ − Mᵀ dS⁺ + Nᵀ dO      Y = (Fβ⁻¹)ᵀ dS⁺ + (Rβ⁻¹)ᵀ dO
//
// A transition has what the memory is multiplied by and what the tokens are, for the next memory (erase, write) and for the
// tokens' results (read, pass). Each is the transpose of a right factor: of n rows and k columns, in groups of eight
// columns, [k / 8][n][8]. Eight rows of a group are 128 bytes side by side, a core matrix of the tensor cores.
//
// R is lower triangular: with the last 16 tokens first in its rows, what is not zero of its columns are its first rows.
// Rᵀ is upper triangular, and has the last 16 tokens first in its columns.
#pragma once

#include "Record.cuh"

namespace jet::cuda {

/// Sizes and places in a transition of keys of padded width KP, in bfloat16.
template <int KP>
struct Transition {
  static constexpr int kErase = 0;                          // [KP, KP]
  static constexpr int kWrite = kErase + KP * KP * 2;       // [KP, 64]
  static constexpr int kRead = kWrite + KP * kChunk * 2;    // [64, KP]
  static constexpr int kPass = kRead + KP * kChunk * 2;     // [64, 64], what is not zero of it
  static constexpr int kTotal = kPass + kChunk * 80;        // exp(G), float32, four times
  static constexpr int kStrength = kTotal + 16;             // β of the tokens, float32
  // Four parts of it lie on lines of the second-level cache.
  static constexpr int kBytes = (kStrength + kChunk * 4 + 511) / 512 * 512;
  // Of the outputs, where read and pass are those of the corrections.
  static constexpr int kReadOutputs = kBytes;
  static constexpr int kPassOutputs = kReadOutputs + KP * kChunk * 2;
  static constexpr int kTrainingBytes = kPassOutputs + kChunk * 80;
  static_assert(kTrainingBytes % 512 == 0);

  /// A token's place among those of which the last 16 come first.
  static constexpr int reordered(int token) { return token ^ 48; }
  /// Of the columns 16 · step … + 15 of the triangle, the rows that are kept, and where these lie in it.
  static constexpr int pass_rows(int step) { return kChunk - 16 * step; }
  static constexpr int pass(int step) { return 32 * step * (kChunk - 8 * (step - 1)); }
};

}  // namespace jet::cuda
