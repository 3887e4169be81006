import Foundation

/// A token that may be drawn.
struct Candidate: Sendable {
  let logit: Float
  let token: Int32

  /// Higher logits first, equal ones by lowest id.
  static func ranksBefore(_ a: Candidate, _ b: Candidate) -> Bool {
    a.logit > b.logit || (a.logit == b.logit && a.token < b.token)
  }
}

extension [Candidate] {
  /// Replaces the content by the `limit` highest logits, in no order.
  ///
  /// A heap with the lowest rank at its root holds the best so far.
  ///
  /// - Complexity: O(V log limit), near O(V) in practice.
  mutating func selectHighest(_ limit: Int, of logits: UnsafeBufferPointer<Float>) {
    removeAll(keepingCapacity: true)
    for index in logits.indices where logits[index] > -.infinity {
      if count < limit {
        append(Candidate(logit: logits[index], token: Int32(index)))
        if count == limit {
          for parent in (0..<count / 2).reversed() { siftDown(parent) }
        }
      } else if logits[index] > self[0].logit {
        self[0] = Candidate(logit: logits[index], token: Int32(index))
        siftDown(0)
      }
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < count else { return }
      if child + 1 < count, Candidate.ranksBefore(self[child], self[child + 1]) { child += 1 }
      guard Candidate.ranksBefore(self[parent], self[child]) else { return }
      swapAt(parent, child)
      parent = child
    }
  }

  /// Replaces the content by tokens that hold the nucleus, in no order, and returns the sum of all
  /// weights.
  ///
  /// Weights are summed by distance from the highest logit in bands of a quarter; the bands that
  /// together reach `fraction` of the sum, and one more against rounding, are kept.
  ///
  /// - Complexity: O(V), two passes.
  mutating func selectNucleus(
    _ fraction: Float, of logits: UnsafeBufferPointer<Float>, scale: TemperatureScale
  ) -> Double {
    let bandCount = 128
    func band(_ logit: Float) -> Int {
      Int(Swift.min(scale.distance(of: logit) * 4, Double(bandCount - 1)))
    }
    var sums = [Double](repeating: 0, count: bandCount)
    for logit in logits {
      sums[band(logit)] += scale.weight(of: logit)
    }
    let total = sums.reduce(0, +)
    var reached = 0.0
    var last = bandCount - 1
    for index in sums.indices {
      reached += sums[index]
      if reached >= Double(fraction) * total {
        last = Swift.min(index + 1, bandCount - 1)
        break
      }
    }
    removeAll(keepingCapacity: true)
    for index in logits.indices
    where logits[index] > -.infinity && band(logits[index]) <= last {
      append(Candidate(logit: logits[index], token: Int32(index)))
    }
    return total
  }

  /// Cuts a sorted list after the token with which the weights reach `fraction` of `total`.
  mutating func keepNucleus(_ fraction: Float, of total: Double, scale: TemperatureScale) {
    guard fraction < 1 else { return }
    var reached = 0.0
    for index in indices {
      reached += scale.weight(of: self[index].logit)
      if reached >= Double(fraction) * total {
        removeSubrange((index + 1)...)
        return
      }
    }
  }

  /// Replaces the content by the tokens with at least `fraction` of the highest probability.
  mutating func selectAtLeast(
    _ fraction: Float, of logits: UnsafeBufferPointer<Float>, scale: TemperatureScale
  ) {
    removeAll(keepingCapacity: true)
    let farthest = -log(Double(fraction))
    for index in logits.indices where scale.distance(of: logits[index]) <= farthest {
      append(Candidate(logit: logits[index], token: Int32(index)))
    }
  }

  /// Removes the tokens with less than `fraction` of the highest probability.
  mutating func keepAtLeast(_ fraction: Float, scale: TemperatureScale) {
    guard fraction > 0 else { return }
    let farthest = -log(Double(fraction))
    removeAll { scale.distance(of: $0.logit) > farthest }
  }
}
