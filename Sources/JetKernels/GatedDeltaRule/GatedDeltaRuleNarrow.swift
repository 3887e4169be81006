public import JetTensor

private let addProducts = Operator("aten::baddbmm")

/// The gated delta rule in chunks of tokens with products of bfloat16, for training on a GPU: factors are rounded to 8
/// bits of mantissa, sums are taken in float32, and so are the decays and the memory from chunk to chunk.
///
/// The form is that of
/// ``gatedDeltaRuleChunked(query:key:value:writeStrength:logDecay:memory:scale:normalizes:chunk:)``, but that
/// `(I + A)⁻¹` is made as a matrix, once for both of its right sides.
///
/// - Parameters: as of
///   ``gatedDeltaRuleDefinition(query:key:value:writeStrength:logDecay:memory:scale:normalizes:)``.
/// - Precondition: `chunk` is at most 64 for the fast form of the inverse.
public func gatedDeltaRuleNarrow(
  query: Tensor, key: Tensor, value: Tensor, writeStrength: Tensor, logDecay: Tensor,
  memory: inout Tensor, scale: Double, normalizes: Bool, chunk: Int = 64
) -> Tensor {
  let dtype = DType.bfloat16
  let chunks = Chunks(length: query.dim(1), size: chunk)
  let (batch, heads) = (query.dim(0), query.dim(2))
  /// `[B, T, H, …]` to `[B·H, n, C, …]`.
  func cut(_ x: Tensor, _ dtype: DType) -> Tensor {
    let parts = chunks.cut(x, dtype: dtype)
    return parts.reshaped([batch * heads] + parts.shape.dropFirst(2))
  }
  let q = cut(normalizes ? narrowUnitRows(query) : query, dtype)
  let k = cut(normalizes ? narrowUnitRows(key) : key, dtype)
  let (v, beta) = (cut(value, dtype), cut(writeStrength, dtype).unsqueezed(-1))
  let g = cut(logDecay, .float32).to(.float64).cumulativeSum(dim: -1)  // [B·H, n, C]
  let last = g.slice(chunk - 1..<chunk, dim: -1)
  func factor(_ x: Tensor) -> Tensor { exp(x.float32).to(dtype).unsqueezed(-1) }
  let (decay, rise, keyT) = (decayTriangle(g, dtype: dtype), factor(g), k.transposed(-1, -2))
  let strongKeys = k * beta
  let inverse = unitLowerInverse(matmul(strongKeys, keyT) * decay)
  let values = matmul(inverse, v * beta).unbound(dim: 1)  // [B·H, C, V] each
  let keys = matmul(inverse, strongKeys * rise).unbound(dim: 1)
  let fallenKeys = (k * factor(last - g)).transposed(-1, -2).unbound(dim: 1)
  let chunkDecays = exp(last.float32).unsqueezed(-1).unbound(dim: 1)  // [B·H, 1, 1] each
  var state = memory.reshaped([batch * heads, k.dim(-1), v.dim(-1)])
  var (memories, corrections): ([Tensor], [Tensor]) = ([], [])
  for n in 0..<values.count {
    let narrow = state.to(dtype)
    let correction = addProducts(
      .tensor(values[n]), .tensor(keys[n]), .tensor(narrow), .double(1), .double(-1))
    memories.append(narrow)
    corrections.append(correction)
    state = state * chunkDecays[n] + matmul(fallenKeys[n], correction)
  }
  memory = state.reshaped(memory.shape)
  let before = matmul(q * rise, Tensor.stack(memories, dim: 1))
  let outputs = addProducts(
    .tensor(before.reshaped([-1, chunk, v.dim(-1)])),
    .tensor((matmul(q, keyT) * decay).reshaped([-1, chunk, chunk])),
    .tensor(Tensor.stack(corrections, dim: 1).reshaped([-1, chunk, v.dim(-1)])), .double(scale),
    .double(scale))
  return chunks.joined(outputs.reshaped([batch, heads] + v.shape.dropFirst())).to(value.dtype)
}

/// ``unitRows(_:)``, rounded to the type of the rows.
private func narrowUnitRows(_ x: Tensor) -> Tensor {
  let width = x.dim(-1)
  guard FastForm.fuses(x), Fused.normalizes(width: width) else {
    return unitRows(x).to(x.dtype)
  }
  // x / √(Σx² + 10⁻⁶) is a root-mean-square norm whose weight is 1/√K and whose epsilon is 10⁻⁶/K.
  let weight = Tensor.full(
    [width], 1 / Double(width).squareRoot(), dtype: x.dtype, device: x.device)
  return Fused.rmsNorm(.tensor(x), .tensor(weight), .double(1e-6 / Double(width)))
}
