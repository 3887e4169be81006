import JetTensor

private let foreachNorm = Operator("aten::_foreach_norm", "Scalar")
private let vectorNorm = Operator("aten::linalg_vector_norm")

/// The length of all tensors as one vector, as a float64 scalar on their device: for which the host need not wait.
///
/// - Precondition: there is at least one tensor.
func globalNorm(_ tensors: [Tensor]) -> Tensor {
  let norms = foreachNorm.all(.tensors(tensors), .double(2), capacity: tensors.count)
  return vectorNorm(
    .tensor(Tensor.stack(norms, dim: 0).to(.float64)), .double(2), .none, .bool(false))
}
