public import JetTensor

/// How queries and keys are turned: radians a position for each pair of channels, and the factor of cosines and sines.
public struct RotaryFrequencies {
  /// float32 `[D / 2]`.
  public var radians: Tensor
  /// Multiplies cosines and sines.
  public var magnitude: Double

  /// Frequencies as they are.
  public init(radians: Tensor, magnitude: Double) {
    self.radians = radians
    self.magnitude = magnitude
  }
}

/// The weights of the norms of each head of queries and keys, `[D]`, and what is added to the mean square.
public struct HeadNormWeights {
  /// Of the queries.
  public var query: Tensor
  /// Of the keys.
  public var key: Tensor
  /// Added to the mean square.
  public var eps: Double

  /// Weights as they are.
  public init(query: Tensor, key: Tensor, eps: Double) {
    self.query = query
    self.key = key
    self.eps = eps
  }
}

/// Queries, keys and values of one new token of each sequence out of a merged projection, by their definition.
///
/// Queries and keys pass ``rmsNormDefinition(_:weight:eps:)``, if asked, and ``rotaryDefinition(_:_:)`` with the angles
/// `float32(p · f)`, each rounded to the type of `projected`; keys and values are written into the pools. A sequence whose
/// place lies on none of its pages, as with position -1, writes nothing.
///
/// - Parameter projected: queries, keys and values with their biases, `[N, (H + 2 G) D]`.
/// - Returns: the queries, `[N, H, D]`.
public func rotaryStepDefinition(
  _ projected: Tensor, norms: HeadNormWeights?, frequencies: RotaryFrequencies, pools: Pools
) -> Tensor {
  let (keyHeads, width) = (pools.keys.dim(1), pools.keys.dim(3))
  let heads = projected.dim(1) / width - 2 * keyHeads
  let parts = projected.heads(heads + 2 * keyHeads).split([heads, keyHeads, keyHeads], dim: 1)
  let angles = RotaryAngles(positions: pools.positions, frequencies: frequencies)
  func turned(_ x: Tensor, _ weight: Tensor?) -> Tensor {
    let normed = norms.map { rmsNormDefinition(x, weight: weight, eps: $0.eps) } ?? x
    return rotaryDefinition(normed.unsqueezed(0), angles).squeezed(0)
  }
  let (queries, keys) = (turned(parts[0], norms?.query), turned(parts[1], norms?.key))
  let places = pools.places { pools.isRing ? $0 % pools.pageTokens : $0 }
  if places.sequences.count > 0 {
    pools.keys.assign(keys.rows(places.sequences), at: [places.pages, nil, places.tokens])
    pools.values.assign(parts[2].rows(places.sequences), at: [places.pages, nil, places.tokens])
  }
  return queries
}

/// Queries, keys and values of one new token of each sequence in the fastest form that fits; see
/// ``rotaryStepDefinition(_:norms:frequencies:pools:)``.
public func rotaryStep(
  _ projected: Tensor, norms: HeadNormWeights?, frequencies: RotaryFrequencies, pools: Pools
) -> Tensor {
  let weights = norms.map { [$0.query, $0.key] } ?? []
  let fits =
    pools.allowsKernels(with: projected) && projected.strides.last == 1
    && pools.keys.dim(3).isMultiple(of: 2) && pools.keys.dim(3) <= 512
    && frequencies.radians.dtype == .float32 && frequencies.radians.isContiguous
    && weights.allSatisfy { $0.dtype == projected.dtype && $0.isContiguous }
  guard fits else {
    return rotaryStepDefinition(
      projected, norms: norms, frequencies: frequencies, pools: pools)
  }
  return Kernels.rotaryStep(
    .tensor(projected), .optional(norms?.query), .optional(norms?.key), .double(norms?.eps ?? 0),
    .tensor(frequencies.radians), .double(frequencies.magnitude), .tensor(pools.keys),
    .tensor(pools.values), .tensor(pools.pages), .tensor(pools.positions), .bool(pools.isRing))
}
