import Foundation
import JetTestSupport
import JetText
import Testing

/// Normalization seen from outside: the tokenizer of Qwen2 over single bytes gives it back.
@Suite struct NormalizationTests {
  private let tokenizer: Tokenizer

  init() throws {
    tokenizer = try SyntheticVocabulary().tokenizer(.qwen2)
  }

  private func normalized(_ text: String) -> [UInt32] {
    tokenizer.decode(tokenizer.encode(text)).unicodeScalars.map(\.value)
  }

  private func reference(_ text: String) -> [UInt32] {
    text.precomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
  }

  @Test(
    arguments: [
      ("e\u{301}", [0xE9]),
      ("\u{212B}\u{2126}", [0xC5, 0x3A9]),
      ("a\u{302}\u{323}", [0x1EAD]),
      ("q\u{307}\u{323}", [0x71, 0x323, 0x307]),
      ("\u{1100}\u{1161}\u{11A8}", [0xAC01]),
      ("\u{AC00}\u{11A7}", [0xAC00, 0x11A7]),
      ("\u{AC01}\u{11A8}", [0xAC01, 0x11A8]),
      ("\u{958}\u{F900}", [0x915, 0x93C, 0x8C48]),
      ("\u{301}x", [0x301, 0x78]),
      ("e\u{301}\u{301}", [0xE9, 0x301]),
      ("か\u{3099}", [0x304C]),
      ("\u{1D15E}", [0x1D157, 0x1D165]),
      ("\u{2F800}", [0x4E3D]),
    ] as [(String, [UInt32])])
  func `text comes to normalization form C`(_ text: String, _ expected: [UInt32]) {
    #expect(normalized(text) == expected)
  }

  @Test func `every scalar up to Unicode 9 normalizes as Foundation does it`() {
    var differing: [String] = []
    for value in (0x80...0x2FA1F) as ClosedRange<UInt32> {
      if (0xAC80...0xD700).contains(value) || (0x3400...0x9FFF).contains(value) { continue }
      if (0x17000...0x1CFFF).contains(value) || (0x20000...0x2F7FF).contains(value) { continue }
      guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major <= 9
      else { continue }
      let text = "q\(scalar)"
      if normalized(text) != reference(text) { differing.append(String(value, radix: 16)) }
    }
    #expect(differing.isEmpty)
  }

  // Without a syllable such as U+AC00 before a tail: Foundation leaves those apart, which is not
  // what Unicode says; the table above has that case.
  @Test func `random marks after letters normalize as Foundation does it`() {
    var generator = SeededGenerator(seed: 3)
    let pool: [Unicode.Scalar] = Array(
      "aeoAqkΩαιΐйकनग়ড়\u{301}\u{302}\u{323}\u{327}\u{345}\u{334}\u{93C}\u{9BE}\u{9C7}\u{1100}\u{1161}\u{11A8}각か\u{3099}\u{212B}xé"
        .unicodeScalars)
    for _ in 0..<3000 {
      var view = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 1..<10, using: &generator) {
        view.append(pool[Int.random(in: 0..<pool.count, using: &generator)])
      }
      let text = String(view)
      #expect(normalized(text) == reference(text))
    }
  }

  @Test func `marks younger than Unicode 9 stay where they are`() {
    #expect(normalized("a\u{301}\u{8D3}") == [0xE1, 0x8D3])
    #expect(normalized("a\u{345}\u{8D3}") == [0x61, 0x345, 0x8D3])
    #expect(normalized("\u{11935}\u{11930}") == [0x11935, 0x11930])
  }
}
