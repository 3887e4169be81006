import JetTestSupport
import JetText
import Testing

@Suite struct StreamDecoderTests {
  @Test func `an emoji split over tokens comes whole`() throws {
    let decoder = try SyntheticVocabulary().tokenizer()
    var stream = decoder.makeStreamDecoder()
    let pieces = Array("a👍é".utf8).map { stream.append(Int($0)) }
    #expect(pieces == ["a", "", "", "", "👍", "", "é"])
    #expect(stream.finish() == "")
  }

  @Test func `an unfinished character ends as a replacement`() throws {
    var stream = try SyntheticVocabulary().tokenizer().makeStreamDecoder()
    #expect(stream.append(0xF0) == "")
    #expect(stream.append(0x9F) == "")
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.finish() == "")
  }

  @Test(
    arguments: [
      ([0xC3, 0x28], "\u{FFFD}("),
      ([0x80, 0x61], "\u{FFFD}a"),
      ([0xF0, 0x9F, 0x61], "\u{FFFD}a"),
      ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
      ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
      ([0xF4, 0x90, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
      ([0xE2, 0x82], "\u{FFFD}"),
      ([0xFF, 0xFE], "\u{FFFD}\u{FFFD}"),
    ] as [([Int], String)])
  func `broken bytes become one replacement for each broken part`(
    _ bytes: [Int], _ expected: String
  ) throws {
    let tokenizer = try SyntheticVocabulary().tokenizer()
    #expect(tokenizer.decode(bytes) == expected)
  }

  @Test func `pieces joined are the decoded whole`() throws {
    let tokenizer = try SyntheticVocabulary(merging: [("a", "b")]).tokenizer(
      addedTokens: [Tokenizer.AddedToken("<s>", id: 300), Tokenizer.AddedToken("é ", id: 301)])
    var generator = SeededGenerator(seed: 9)
    let interesting = [
      0x61, 0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xF0, 0xF4, 0x9F, 0x90, 0xFF, 256, 300, 301,
    ]
    for round in 0..<3000 {
      let ids = (0..<round % 9).map { _ in
        Bool.random(using: &generator)
          ? interesting[Int.random(in: 0..<interesting.count, using: &generator)]
          : Int.random(in: -1..<310, using: &generator)
      }
      for skips in [false, true] {
        var stream = tokenizer.makeStreamDecoder(skipSpecialTokens: skips)
        var joined: [UInt8] = []
        for id in ids { joined += Array(stream.append(id).utf8) }
        joined += Array(stream.finish().utf8)
        #expect(joined == Array(tokenizer.decode(ids, skipSpecialTokens: skips).utf8))
      }
    }
  }

  @Test func `special tokens can be left out`() throws {
    let tokenizer = try SyntheticVocabulary().tokenizer(addedTokens: [
      Tokenizer.AddedToken("<s>", id: 256),
      Tokenizer.AddedToken("<tool>", id: 257, isSpecial: false),
    ])
    #expect(tokenizer.decode([256, 97, 257]) == "<s>a<tool>")
    #expect(tokenizer.decode([256, 97, 257], skipSpecialTokens: true) == "a<tool>")
    #expect(tokenizer.decode([97, 9999, -5, 98]) == "ab")
  }
}
