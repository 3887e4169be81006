import Foundation
import Testing

@testable import JetReport

@Suite struct NumberTextTests {
  @Test(arguments: [
    (Estimate(0.465, standardError: 0.035, unit: .fraction), "46.5 ± 3.5 %"),
    (Estimate(-2.51234, standardError: 0.0123), "−2.512 ± 0.012"),
    (Estimate(12_345.6, standardError: 234), "12,346 ± 234"), (Estimate(16.24), "16.24"),
    (Estimate(3, standardError: 0), "3 ± 0"), (Estimate(3, standardError: .nan), "3"),
    (Estimate(.nan), "–"), (Estimate(.infinity, standardError: 1), "–"),
    (Estimate(-0.0001, standardError: 0.2), "0.00 ± 0.20"),
    (Estimate(1e300, standardError: 1e299), "1.000e+300 ± 1.0e+299"),
    (Estimate(1, standardError: 1e-12), "1 ± 1.0e-12"), (Estimate(3, standardError: -1), "3"),
  ])
  func anErrorTellsTheDigits(estimate: Estimate, expected: String) {
    #expect(NumberText.text(estimate) == expected)
  }

  @Test func aSignIsWrittenWhereAsked() {
    #expect(NumberText.text(Estimate(0.5, standardError: 0.1), signed: true) == "+0.50 ± 0.10")
    #expect(NumberText.text(nil) == "–")
  }

  @Test(
    arguments: [
      (0, "0"), (1_234_567, "1,234,567"), (0.0125, "0.0125"), (-0.5, "−0.5"), (3.2e-9, "3.200e-09"),
      (99.99, "99.99"), (.nan, "–"), (-.infinity, "–"), (.leastNonzeroMagnitude, "4.941e-324"),
    ] as [(Double, String)])
  func numbersHaveTheirDigits(value: Double, expected: String) {
    #expect(NumberText.number(value) == expected)
  }

  @Test(
    arguments: [
      (0, "0 B"), (1_023, "1,023 B"), (1_024, "1 KiB"), (58_982_400, "56.2 MiB"),
      (1_048_575, "1 MiB"),
    ] as [(Int, String)])
  func bytesArePowersOfTwo(value: Int, expected: String) {
    #expect(NumberText.bytes(value) == expected)
  }

  @Test(
    arguments: [
      (0.25, "0.25 s"), (59.99, "1 min"), (200, "3 min 20 s"), (7_500, "2 h 5 min"),
      (.infinity, "–"), (-1, "–"), (1e300, "–"),
    ] as [(Double, String)])
  func timesAreReadable(value: Double, expected: String) {
    #expect(NumberText.duration(value) == expected)
  }

  @Test func largeNumbersHavePrefixes() {
    #expect(NumberText.prefixed(134_515_008) == "135 M")
    #expect(NumberText.prefixed(4.1e15, unit: "FLOP") == "4.1 PFLOP")
    #expect(NumberText.prefixed(.nan) == "–")
    #expect(NumberText.count(.min) == "−9,223,372,036,854,775,808")
    #expect(NumberText.context(65_536) == "64 K")
    #expect(NumberText.context(1_000) == "1,000")
  }
}
