public import JetTensor

/// How a placement is drawn for each batch of a super network's training.
///
/// With the probability ``countShare`` the number of full layers is drawn evenly from ``counts`` and then which layers
/// they are; otherwise one probability is drawn evenly from ``probability`` and each layer is full with it. The first
/// trains sparse placements as often as dense ones; the second is the paper's, with every layer for itself. Every other
/// layer is linear, or attends to a window with the probability ``windowProbability``.
public struct PathSampling: Codable, Hashable, Sendable {
  /// How probable full attention is in a layer: 0 to 1.
  public var probability: ClosedRange<Double>
  /// How many layers are full where their number is drawn; cut off at the number of layers.
  public var counts: ClosedRange<Int>
  /// In which share of the batches the number is drawn.
  public var countShare: Double
  /// How probable a window is in a layer that is not full.
  public var windowProbability: Double

  /// A sampling with all its values.
  public init(
    probability: ClosedRange<Double> = 0...1, counts: ClosedRange<Int> = 0...8,
    countShare: Double = 0.5, windowProbability: Double = 0
  ) {
    self.probability = probability
    self.counts = counts
    self.countShare = countShare
    self.windowProbability = windowProbability
  }

  /// Checks that placements can be drawn.
  ///
  /// - Throws: ``SearchError`` naming the value.
  public func validate() throws(SearchError) {
    guard (0...1).contains(probability.lowerBound), (0...1).contains(probability.upperBound),
      (0...1).contains(countShare), (0...1).contains(windowProbability)
    else {
      throw SearchError(
        "the sampling of paths has a probability outside 0 to 1: \(probability), \(countShare), "
          + "\(windowProbability)")
    }
    guard counts.lowerBound >= 0 else {
      throw SearchError("the sampling of paths asks for \(counts) full layers; begin at 0 or more")
    }
  }

  /// Which share of the layers is full on the average.
  func fullShare(layers: Int) -> Double {
    let (low, high) = (min(counts.lowerBound, layers), min(counts.upperBound, layers))
    let counted = Double(low + high) / 2 / Double(max(1, layers))
    let drawn = (probability.lowerBound + probability.upperBound) / 2
    return countShare * counted + (1 - countShare) * drawn
  }

  /// A placement; the same state of the generator gives the same.
  public func placement(layers: Int, _ generator: Generator) -> Placement {
    // Always as many numbers, so that what is drawn next does not depend on what is drawn now.
    let drawn = Tensor.randomUniform([2 + 2 * layers], generator: generator).array(of: Float.self)
    let (own, window) = (drawn[2..<2 + layers], drawn[(2 + layers)...])
    var isFull: [Bool]
    if Double(drawn[0]) < countShare {
      let (low, high) = (min(counts.lowerBound, layers), min(counts.upperBound, layers))
      let count = min(high, low + Int(Double(drawn[1]) * Double(high - low + 1)))
      isFull = Array(repeating: false, count: layers)
      let order = (0..<layers).sorted { (own[2 + $0], $0) < (own[2 + $1], $1) }
      for layer in order.prefix(count) { isFull[layer] = true }
    } else {
      let width = probability.upperBound - probability.lowerBound
      let chance = probability.lowerBound + width * Double(drawn[1])
      isFull = own.map { Double($0) < chance }
    }
    return Placement(
      zip(isFull, window).map { full, draw in
        full ? .full : Double(draw) < windowProbability ? .window : .linear
      })
  }
}
