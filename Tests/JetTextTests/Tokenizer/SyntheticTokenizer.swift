import Foundation
import JetText

/// The byte alphabet of GPT-2, written out a second time so that tests do not rest on ours.
func spelled(_ bytes: some Sequence<UInt8>) -> String {
  var others = 0
  var table: [Unicode.Scalar] = []
  for byte in UInt8.min...UInt8.max {
    let printable =
      (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    if printable {
      table.append(Unicode.Scalar(byte))
    } else {
      table.append(Unicode.Scalar(UInt16(0x100 + others)) ?? " ")
      others += 1
    }
  }
  var result = String.UnicodeScalarView()
  for byte in bytes { result.append(table[Int(byte)]) }
  return String(result)
}

func spelled(_ text: String) -> String { spelled(text.utf8) }

/// A vocabulary of the 256 bytes, whose ids are the bytes, and of what merges make of them.
struct SyntheticVocabulary {
  var vocabulary: [String: Int] = [:]
  var merges: [String] = []

  init() {
    for byte in UInt8.min...UInt8.max { vocabulary[spelled([byte])] = Int(byte) }
  }

  /// Merges of text: each pair is two tokens, and their joint gets the next id.
  init(merging pairs: [(String, String)]) {
    self.init()
    for (left, right) in pairs { merge(spelled(left), spelled(right)) }
  }

  mutating func merge(_ left: String, _ right: String) {
    merges.append("\(left) \(right)")
    if vocabulary[left + right] == nil { vocabulary[left + right] = vocabulary.count }
  }

  func tokenizer(
    _ preTokenizer: Tokenizer.PreTokenizer = .gpt2, addedTokens: [Tokenizer.AddedToken] = [],
    beginOfTextID: Int? = nil, addsBeginOfText: Bool = false
  ) throws -> Tokenizer {
    try Tokenizer(
      vocabulary: vocabulary, merges: merges, preTokenizer: preTokenizer, addedTokens: addedTokens,
      beginOfTextID: beginOfTextID, addsBeginOfText: addsBeginOfText)
  }

  /// The same as a `tokenizer.json`, with other parts written by hand.
  func file(
    addedTokens: String = "[]", normalizer: String = "null",
    preTokenizer: String = #"{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}"#,
    postProcessor: String = "null", decoder: String = #"{"type":"ByteLevel"}"#,
    model: String = #""type":"BPE","unk_token":null"#, mergesAsPairs: Bool = false
  ) throws -> Data {
    let vocabulary = try json(self.vocabulary)
    let merges =
      try mergesAsPairs
      ? json(self.merges.map { $0.split(separator: " ").map(String.init) }) : json(self.merges)
    return Data(
      """
      {"version":"1.0","truncation":null,"padding":null,"added_tokens":\(addedTokens),
       "normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),
       "post_processor":\(postProcessor),"decoder":\(decoder),
       "model":{\(model),"vocab":\(vocabulary),"merges":\(merges)}}
      """.utf8)
  }

  private func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
