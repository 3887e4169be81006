import Foundation
import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Sampling step")
struct SampleStepTests {
  /// The choices for one row of logits at positions 0, 1, …
  private func choices(
    _ logits: [Float], count: Int = 1, temperature: Float = 1, topK: Int32 = 0, topP: Float = 1,
    minP: Float = 0, seed: Int = 1
  ) -> [Int] {
    func all<Scalar: TensorScalar>(_ x: Scalar) -> Tensor {
      Tensor([Scalar](repeating: x, count: count))
    }
    let options = SampleOptions(
      temperature: all(temperature), topK: all(topK), topP: all(topP), minP: all(minP),
      seeds: all(seed), positions: Tensor((0..<count).map(Int32.init)))
    let rows = Tensor(logits).unsqueezed(0).expanded([count, logits.count])
    return sampleStep(rows, options).array(of: Int.self)
  }

  /// Expects the frequencies of 20,000 choices to be the probabilities, by a chi-square of less than one in 10,000.
  private func expectChoices(
    _ found: [Int], follow weights: [Double], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let total = weights.reduce(0, +)
    var chiSquare = 0.0
    for (id, weight) in weights.enumerated() {
      let count = Double(found.count { $0 == id })
      let expected = weight / total * Double(found.count)
      if expected == 0 {
        #expect(count == 0, "token \(id) was excluded", sourceLocation: sourceLocation)
      } else {
        chiSquare += (count - expected) * (count - expected) / expected
      }
    }
    // Of 7 degrees of freedom; fewer have less.
    #expect(chiSquare < 29.9, "chi-square \(chiSquare)", sourceLocation: sourceLocation)
  }

  private let logits: [Float] = [1, 0.5, -1, 2, 2, -.infinity, 0, 2]

  private func weights(_ temperature: Double = 1, keeping kept: Set<Int>? = nil) -> [Double] {
    logits.indices.map { id in
      kept?.contains(id) ?? true ? exp(Double(logits[id]) / temperature) : 0
    }
  }

  @Test("a greedy choice is the lowest id of the greatest logits")
  func greedy() {
    #expect(choices(logits, temperature: 0) == [3])
    #expect(choices([-0.0, 0.0, -1], temperature: 0) == [0])
    #expect(choices([-.infinity, -5], temperature: 0) == [1])
  }

  @Test("choices follow the probabilities at the temperature")
  func all() {
    expectChoices(choices(logits, count: 20_000), follow: weights())
    expectChoices(choices(logits, count: 20_000, temperature: 3), follow: weights(3))
  }

  @Test("top-k keeps equal logits by lowest id")
  func topK() {
    expectChoices(choices(logits, count: 20_000, topK: 2), follow: weights(keeping: [3, 4]))
    expectChoices(choices(logits, count: 20_000, topK: 4), follow: weights(keeping: [0, 3, 4, 7]))
    expectChoices(choices(logits, count: 20_000, topK: 8), follow: weights())
  }

  @Test("top-p keeps the fewest most likely tokens that reach it, equal ones by lowest id")
  func topP() {
    // Each of the three greatest has 0.265 of the probability, the next 0.097.
    expectChoices(choices(logits, count: 20_000, topP: 0.5), follow: weights(keeping: [3, 4]))
    expectChoices(
      choices(logits, count: 20_000, topP: 0.88), follow: weights(keeping: [0, 3, 4, 7]))
    #expect(Set(choices(logits, count: 100, topP: 1e-6)) == [3])
  }

  @Test("top-p counts the probabilities that top-k left, and min-p those of the greatest")
  func together() {
    // Of three equal ones a third each: two of them reach 0.6, which are 0.53 of all.
    expectChoices(
      choices(logits, count: 20_000, topK: 3, topP: 0.6), follow: weights(keeping: [3, 4]))
    expectChoices(
      choices(logits, count: 20_000, topK: 4, topP: 0.999, minP: 0.5),
      follow: weights(keeping: [3, 4, 7]))
    expectChoices(
      choices(logits, count: 20_000, minP: 0.2), follow: weights(keeping: [0, 1, 3, 4, 7]))
  }

  @Test("rows that cannot be chosen from give -1")
  func invalid() {
    #expect(choices([0, .nan]) == [-1])
    #expect(choices([0, .infinity], temperature: 0) == [-1])
    #expect(choices([-.infinity, -.infinity]) == [-1])
    #expect(choices([0, 1], temperature: -1) == [-1])
    #expect(choices([0, 1], temperature: .nan) == [-1])
  }

  @Test("random numbers are those of splitmix64 behind its own first number, and differ by seed")
  func unit() {
    for seed in [0, 1, -7, .max] {
      var first = SeededGenerator(seed: UInt64(bitPattern: Int64(seed)))
      var numbers = SeededGenerator(seed: first.next())
      for position in 0..<5 {
        #expect(
          sampleUnit(seed: seed, position: position) == Double(numbers.next() >> 11) * 0x1p-53)
      }
    }
    #expect(choices(logits, count: 50, seed: 1) == choices(logits, count: 50, seed: 1))
    #expect(choices(logits, count: 50, seed: 1) != choices(logits, count: 50, seed: 2))
  }
}
