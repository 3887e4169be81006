// Pieces.cpp: jet_fused::pieces with its gradient: the last dimension of `merged` cut into pieces of the given lengths,
// 16 at most, which share memory with `merged`; see Pieces.cu.inc.
//
// The gradients of pieces need not be copied: an operator that takes a piece may ask with gradient_place where in the
// gradient of `merged` it belongs. That tensor is made when the first operator of a pass of gradients asks, and kept
// with the cut until its own turn comes.
#include "Pieces.h"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int most_pieces = 16, threads = 256, packs_of_thread = 4;
/// The number of no pass of gradients.
constexpr int64_t no_pass = -1;

/// The kernels' `Piece` and `Pieces`.
struct Piece {
  const void *own;
  long long pitch;
  int first, length, pack, block;
};
struct Pieces {
  Piece of[most_pieces];
  int count;
};

/// Where gradients of pieces lie and which blocks move them.
struct Table {
  Pieces pieces{};
  int64_t blocks = 0;
  int columns = 0;

  /// The next columns; `own` is a matrix, or undefined for zeros, which goes to `joined`.
  void add(int64_t length, const at::Tensor &own, const at::Tensor &joined) {
    Piece &piece = pieces.of[pieces.count++];
    piece = {own.defined() ? own.const_data_ptr() : nullptr,
             own.defined() ? pitch(own) : 0,
             columns,
             static_cast<int>(length),
             8,
             static_cast<int>(blocks)};
    const auto fits = [&](const at::Tensor &x, int64_t offset) {
      const int64_t bytes = std::min<int64_t>(16, piece.pack * x.element_size());
      const auto begin = reinterpret_cast<uintptr_t>(x.const_data_ptr()) + offset * x.element_size();
      return begin % bytes == 0 && x.stride(0) * x.element_size() % bytes == 0;
    };
    const auto all_fit = [&] {
      return length % piece.pack == 0 && (!own.defined() || fits(own, 0)) && fits(joined, columns);
    };
    while (piece.pack > 1 && !all_fit()) piece.pack = piece.pack == 8 ? 4 : 1;
    const int64_t each = threads * packs_of_thread;
    blocks += (joined.size(0) * (length / piece.pack) + each - 1) / each;
    skip(length);
  }

  /// Columns that are left as they are.
  void skip(int64_t length) { columns += static_cast<int>(length); }
};

/// Whether `matrix` is the columns of `joined` from `first` on.
bool lies_in(const at::Tensor &joined, int64_t first, const at::Tensor &matrix) {
  const auto *place = static_cast<const char *>(joined.const_data_ptr()) + first * joined.element_size();
  return matrix.defined() && matrix.const_data_ptr() == place &&
         (matrix.size(0) <= 1 || pitch(matrix) == pitch(joined));
}

struct CutIntoPieces : torch::autograd::Function<CutIntoPieces> {
  static variable_list forward(AutogradContext *context, const at::Tensor &merged,
                               const std::vector<int64_t> &lengths) {
    at::AutoDispatchBelowADInplaceOrView guard;
    variable_list results;
    int64_t first = 0;
    for (const int64_t length : lengths) {
      results.push_back(merged.narrow(-1, first, length));
      first += length;
    }
    context->saved_data["shape"] = merged.sizes().vec();
    context->saved_data["lengths"] = lengths;
    context->saved_data["pass"] = no_pass;
    context->set_materialize_grads(false);
    return results;
  }

  /// Whether a gradient is in its place is told by its address: `joined` is held until here, so no other memory has it.
  /// A piece of several operators gets a sum of gradients. The engine adds in place only to a tensor that nothing else
  /// shares memory with, which a place is not, so that sum is a tensor of its own and is copied. Places that another
  /// pass gave away, one that ended with an error or that runs beside this one, are not in this `joined`: they are
  /// copied, too.
  static variable_list backward(AutogradContext *context, variable_list given) {
    auto &kept = context->saved_data;
    const auto lengths = kept["lengths"].toIntVector();
    const auto shape = kept["shape"].toIntVector();
    const auto with_places = std::exchange(kept["joined"], c10::IValue());
    const int64_t pass = std::exchange(kept["pass"], no_pass).toInt();
    const bool has_places = with_places.isTensor() && pass == torch::autograd::get_current_graph_task_id();
    const auto like = std::find_if(given.begin(), given.end(), [](const auto &x) { return x.defined(); });
    if (like == given.end()) return {Variable(), Variable()};
    at::Tensor joined = has_places ? with_places.toTensor() : at::empty(shape, like->options());
    const auto joined_matrix = as_matrix(joined);
    Table table;
    std::vector<at::Tensor> matrices;
    for (size_t i = 0; i < lengths.size(); ++i) {
      matrices.push_back(given[i].defined() ? as_matrix(given[i]) : at::Tensor());
      if (lies_in(joined_matrix, table.columns, matrices.back())) table.skip(lengths[i]);
      else table.add(lengths[i], matrices.back(), joined_matrix);
    }
    launch("join_pieces", joined, Grid{table.blocks, threads}, table.pieces, joined.mutable_data_ptr(),
           pitch(joined_matrix), static_cast<long long>(joined_matrix.size(0)));
    return {joined, Variable()};
  }
};

using CutNode = torch::autograd::CppNode<CutIntoPieces>;

/// The cut that `variable` is a piece of, perhaps through views that keep the order of its numbers, and which piece.
std::pair<std::shared_ptr<CutNode>, int64_t> cut_of(const at::Tensor &variable) {
  auto node = variable.grad_fn();
  int64_t index = variable.output_nr();
  while (node && (node->name() == "ViewBackward0" || node->name() == "ReshapeAliasBackward0")) {
    const auto edge = node->next_edge(0);
    node = edge.function;
    index = edge.input_nr;
  }
  return {std::dynamic_pointer_cast<CutNode>(node), index};
}

/// Whether the present pass of gradients comes to `cut`, on the stream that is current.
bool comes_to(CutNode &cut) {
  const auto *wanted = torch::autograd::get_current_graph_task_exec_info();
  if (!wanted) return false;
  // A list without entries stands for everything.
  const auto own = wanted->find(&cut);
  if (!wanted->empty() && (own == wanted->end() || !own->second.needed_)) return false;
  const auto stream = cut.input_metadata(0).stream();
  return c10::impl::VirtualGuardImpl(stream.device_type()).getStream(stream.device()) == stream;
}

std::vector<at::Tensor> pieces(const at::Tensor &merged, at::IntArrayRef lengths) {
  int64_t sum = 0;
  bool fits = merged.dim() >= 1 && lengths.size() <= most_pieces;
  for (const int64_t length : lengths) sum += length, fits = fits && length > 0;
  TORCH_CHECK(fits && sum == merged.size(-1), "pieces: ", merged.sizes(), " does not fall into pieces of ", lengths);
  return CutIntoPieces::apply(merged, lengths.vec());
}

}  // namespace

at::Tensor gradient_place(const at::Tensor &piece) {
  if (!piece.defined()) return {};
  at::AutoDispatchBelowADInplaceOrView guard;
  const auto [cut, index] = cut_of(piece);
  if (!cut || !comes_to(*cut)) return {};
  // libtorch computes the gradients of a GPU's operators in one thread, the cut's too, unless it is told otherwise.
  auto &kept = cut->ctx_.saved_data;
  const int64_t pass = torch::autograd::get_current_graph_task_id();
  if (kept["pass"].toInt() != pass) {
    kept["pass"] = pass;
    kept["given_away"] = int64_t(0);
    kept["joined"] = at::empty(kept["shape"].toIntVector(), piece.options());
  }
  const int64_t given_away = kept["given_away"].toInt(), own = int64_t(1) << index;
  if (given_away & own) return {};
  kept["given_away"] = given_away | own;
  const auto lengths = kept["lengths"].toIntVector();
  const int64_t first = std::accumulate(lengths.begin(), lengths.begin() + index, int64_t(0));
  return kept["joined"].toTensor().narrow(-1, first, lengths[index]).reshape(piece.sizes());
}

at::Tensor gradient_in_place(const at::Tensor &piece, Rows &rows) {
  const auto place = gradient_place(piece);
  const auto found = place.defined() ? rows_of(place) : std::nullopt;
  const bool fits = found && found->heads == rows.heads;
  rows = fits ? *found : Rows{static_cast<long long>(rows.heads) * rows.width, rows.heads, rows.width};
  return fits ? place : at::empty(piece.sizes(), piece.options());
}

}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) { m.impl("pieces", &jet::fused::pieces); }

// Gradients call it below the keys of autograd, too.
TORCH_LIBRARY_IMPL(jet_fused, CompositeImplicitAutograd, m) { m.impl("gradient_place", &jet::fused::gradient_place); }
