// Pieces.cpp: jet_fused::pieces with its gradient: the last dimension of `merged` cut into pieces of the given lengths,
// 16 at most; see Pieces.cu.inc. The first `activated` of them pass silu and are tensors of their own, the others share
// memory with `merged`.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int most_pieces = 16, threads = 256, packs_of_thread = 4;

/// The kernels' `Piece` and `Pieces`.
struct Piece {
  void *own;
  long long pitch;
  int first, length, pack, block;
};
struct Pieces {
  Piece of[most_pieces];
  int count, activated;
};

/// Where pieces of rows lie and which blocks move them.
struct Table {
  Pieces pieces{};
  int64_t blocks = 0;
  int columns = 0;

  /// The next columns; `own` is a matrix, or undefined for zeros. What is moved lies in `rows` or goes there.
  void add(int64_t length, const at::Tensor &own, std::initializer_list<at::Tensor> matrices, int64_t rows) {
    Piece &piece = pieces.of[pieces.count++];
    piece = {own.defined() ? const_cast<void *>(own.const_data_ptr()) : nullptr, own.defined() ? pitch(own) : 0,
             columns, static_cast<int>(length), 8, static_cast<int>(blocks)};
    const auto fits = [&](const at::Tensor &x, int64_t offset) {
      const int64_t bytes = std::min<int64_t>(16, piece.pack * x.element_size());
      const auto begin = reinterpret_cast<uintptr_t>(x.const_data_ptr()) + offset * x.element_size();
      return begin % bytes == 0 && x.stride(0) * x.element_size() % bytes == 0;
    };
    const auto all_fit = [&] {
      return length % piece.pack == 0 && (!own.defined() || fits(own, 0)) &&
             std::all_of(matrices.begin(), matrices.end(), [&](const auto &x) { return fits(x, columns); });
    };
    while (piece.pack > 1 && !all_fit()) piece.pack = piece.pack == 8 ? 4 : 1;
    const int64_t each = threads * packs_of_thread;
    blocks += (rows * (length / piece.pack) + each - 1) / each;
    columns += static_cast<int>(length);
  }
};

/// Which pieces there are.
struct Cut {
  std::vector<int64_t> lengths;
  int64_t activated;
};

struct CutIntoPieces : torch::autograd::Function<CutIntoPieces> {
  static variable_list forward(AutogradContext *context, const at::Tensor &merged, const Cut &cut) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto matrix = as_matrix(merged);
    const auto rows = matrix.size(0);
    Table table;
    variable_list results;
    int64_t first = 0;
    for (const int64_t length : cut.lengths) {
      if (static_cast<int64_t>(results.size()) < cut.activated) {
        auto shape = merged.sizes().vec();
        shape.back() = length;
        results.push_back(at::empty(shape, merged.options()));
        table.add(length, as_matrix(results.back()), {matrix}, rows);
      } else {
        results.push_back(merged.narrow(-1, first, length));
      }
      first += length;
    }
    table.pieces.activated = table.pieces.count;
    launch("activate_pieces", matrix, Grid{table.blocks, threads}, table.pieces, matrix.const_data_ptr(),
           pitch(matrix), static_cast<long long>(rows));
    if (cut.activated > 0) context->save_for_backward({merged});
    context->saved_data["shape"] = merged.sizes().vec();
    context->saved_data["lengths"] = cut.lengths;
    context->saved_data["activated"] = cut.activated;
    context->set_materialize_grads(false);
    return results;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto lengths = context->saved_data["lengths"].toIntVector();
    const auto shape = context->saved_data["shape"].toIntVector();
    const auto like = std::find_if(given.begin(), given.end(), [](const auto &x) { return x.defined(); });
    if (like == given.end()) return {Variable(), Variable()};
    at::Tensor joined = at::empty(shape, like->options());
    const auto joined_matrix = as_matrix(joined);
    const auto rows = joined_matrix.size(0);
    const auto saved = context->get_saved_variables();
    const auto merged = saved.empty() ? joined_matrix : as_matrix(saved[0]);
    Table table;
    std::vector<at::Tensor> matrices;
    for (size_t i = 0; i < lengths.size(); ++i) {
      matrices.push_back(given[i].defined() ? as_matrix(given[i]) : at::Tensor());
      table.add(lengths[i], matrices.back(), {merged, joined_matrix}, rows);
    }
    table.pieces.activated = static_cast<int>(context->saved_data["activated"].toInt());
    launch("join_pieces", joined, Grid{table.blocks, threads}, table.pieces, merged.const_data_ptr(), pitch(merged),
           joined.mutable_data_ptr(), pitch(joined_matrix), static_cast<long long>(rows));
    return {joined, Variable()};
  }
};

std::vector<at::Tensor> pieces(const at::Tensor &merged, at::IntArrayRef lengths, int64_t activated) {
  int64_t sum = 0;
  bool fits = merged.dim() >= 1 && lengths.size() <= most_pieces && activated >= 0 &&
              activated <= static_cast<int64_t>(lengths.size());
  for (const int64_t length : lengths) sum += length, fits = fits && length > 0;
  TORCH_CHECK(fits && sum == merged.size(-1), "pieces: ", merged.sizes(), " does not fall into ", activated,
              " activated pieces first of ", lengths);
  return CutIntoPieces::apply(merged, Cut{lengths.vec(), activated});
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) { m.impl("pieces", &jet::fused::pieces); }
