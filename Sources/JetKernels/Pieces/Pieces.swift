public import JetTensor

/// A merged product cut into its pieces; all share memory with `merged`.
///
/// Backward, all gradients of the pieces are joined at once, but for those that are written where they belong: of the
/// gate by ``gatedRMSNorm(_:gate:weight:eps:)``, of `x` and `inner` by
/// ``generatedConvolution(_:inner:weight:bias:window:counts:)``, of queries and keys by
/// ``gatedDeltaRule(query:key:value:writeStrength:logDecay:memory:scale:normalizes:activates:)``.
///
/// Neither `merged` nor a piece of it is to be written in place after that.
///
/// - Parameters:
///   - merged: `[…, ΣL]`.
///   - lengths: `L`, how much of the last dimension each piece has.
/// - Returns: `[…, L]` each.
public func pieces(of merged: Tensor, _ lengths: [Int]) -> [Tensor] {
  guard FastForm.fuses(merged), lengths.count <= Fused.mostPieces, lengths.allSatisfy({ $0 > 0 })
  else { return merged.split(lengths, dim: -1) }
  return Fused.pieces.all(.tensor(merged), .ints(lengths), capacity: lengths.count)
}
