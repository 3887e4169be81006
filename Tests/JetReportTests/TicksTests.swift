import Foundation
import Testing

@testable import JetReport

@Suite struct TicksTests {
  @Test(
    arguments: [
      (0, 10, [0, 2.5, 5, 7.5, 10]), (0, 1, [0, 0.25, 0.5, 0.75, 1]), (-3, 4, [-4, -2, 0, 2, 4]),
      (0.31, 0.34, [0.31, 0.32, 0.33, 0.34]), (7, 7, [6.6, 6.8, 7, 7.2, 7.4]),
      (0, 0, [-0.5, -0.25, 0, 0.25, 0.5]), (10, 0, [0, 2.5, 5, 7.5, 10]),
      (1_200, 98_000, [0, 25_000, 50_000, 75_000, 100_000]),
    ] as [(Double, Double, [Double])])
  func linearTicksAreRoundAndCoverTheValues(low: Double, high: Double, expected: [Double]) {
    expectEqual(Ticks.linear(low, high), expected)
  }

  @Test(
    arguments: [
      (1, 2, [1, 2]), (2, 2, [1, 2, 3]), (1, 8, [0, 2, 4, 6, 8]), (0, 10, [0, 5, 10]),
    ] as [(Double, Double, [Double])])
  func ticksOfCountsAreWhole(low: Double, high: Double, expected: [Double]) {
    expectEqual(Ticks.linear(low, high, isWhole: true), expected)
  }

  @Test(
    arguments: [
      (1, 10, [1, 2, 5, 10]), (3, 60, [2, 5, 10, 20, 50, 100]), (5, 5, [5, 10]),
      (0.04, 0.3, [0.02, 0.05, 0.1, 0.2, 0.5]), (1, 1e4, [1, 10, 100, 1_000, 10_000]),
      (1e-9, 1e9, [1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9]),
    ] as [(Double, Double, [Double])])
  func logarithmicTicksCoverTheValues(low: Double, high: Double, expected: [Double]) {
    expectEqual(Ticks.logarithmic(low, high), expected)
  }

  @Test(
    arguments: [
      (512, 4_096, [512, 1_024, 2_048, 4_096]), (1_024, 1_024, [1_024, 2_048]),
      (1, 1_048_576, [1, 8, 64, 512, 4_096, 32_768, 262_144, 2_097_152]),
    ] as [(Double, Double, [Double])])
  func powersOfTwoCoverTheValues(low: Double, high: Double, expected: [Double]) {
    expectEqual(Ticks.powersOfTwo(low, high), expected)
  }

  @Test(
    arguments: [
      [], [.nan], [3], [3, 3], [0], [-1, 0], [1e300, -1e300], [.infinity, 1],
      [.greatestFiniteMagnitude, -.greatestFiniteMagnitude], [.leastNonzeroMagnitude],
      [.leastNonzeroMagnitude, 1e308],
    ] as [[Double]])
  func anyValuesGiveAnAxis(values: [Double]) {
    for scale in [Axis.Scale.linear, .logarithmic, .powersOfTwo] {
      let axis = Axis("values", values, scale: scale)
      #expect((2..<120).contains(axis.ticks.count))
      for value in values {
        if let place = axis.place(value) {
          #expect((-0.01...1.01).contains(place))
        }
      }
    }
  }

  private func expectEqual(_ found: [Double], _ expected: [Double]) {
    #expect(found.count == expected.count, "\(found)")
    for (a, b) in zip(found, expected) {
      #expect((a - b).magnitude <= 1e-9 * max(a.magnitude, b.magnitude, 1e-3), "\(found)")
    }
  }
}
