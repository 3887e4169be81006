public import JetTensor

/// A merged product cut into its pieces, the first of which pass `silu`, by its definition.
///
/// - Parameters:
///   - merged: `[…, ΣL]`.
///   - lengths: `L`, how much of the last dimension each piece has.
///   - activated: how many of the pieces, counted from the first, pass `silu`. The others share memory with `merged`.
/// - Returns: `[…, L]` each.
public func piecesDefinition(of merged: Tensor, _ lengths: [Int], activated: Int = 0) -> [Tensor] {
  let all = merged.split(lengths, dim: -1)
  return all.prefix(activated).map(silu) + all.dropFirst(activated)
}

/// A merged product cut into its pieces; see ``piecesDefinition(of:_:activated:)``.
///
/// Backward, all gradients of the pieces are joined at once, that of `silu` on their way, but for those that are
/// written where they belong: of the gate by ``gatedRMSNorm(_:gate:weight:eps:)``, of `x` and `inner` by
/// ``generatedConvolution(_:inner:weight:bias:window:counts:)``.
///
/// Neither `merged` nor a piece of it is to be written in place after that.
public func pieces(of merged: Tensor, _ lengths: [Int], activated: Int = 0) -> [Tensor] {
  guard FastForm.fuses(merged), lengths.count <= Fused.mostPieces, lengths.allSatisfy({ $0 > 0 })
  else {
    return piecesDefinition(of: merged, lengths, activated: activated)
  }
  return Fused.pieces.all(
    .tensor(merged), .ints(lengths), .int(activated), capacity: lengths.count)
}
