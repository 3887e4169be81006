import Foundation
import JetTestSupport
import Testing

@testable import JetEvaluation

struct CacheTests {
  private static let requests = (0..<4).map {
    ContinuationRequest(context: "c\($0)", continuation: String(repeating: "x", count: $0 + 1))
  }

  private func answers(_ model: any LanguageModel) throws -> [Int: ContinuationScore] {
    var found: [Int: ContinuationScore] = [:]
    try model.logLikelihoods(Self.requests) { found[$0] = $1 }
    return found
  }

  @Test(
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func `the hash is that of the standard's examples`(text: String, hash: String) {
    #expect(SHA256.text(Data(text.utf8)) == hash)
  }

  @Test func `a hash does not depend on where its bytes are cut`() {
    let bytes = Data((0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) })
    for cut in [0, 1, 55, 56, 63, 64, 65, 128, 299] {
      var hash = SHA256()
      hash.update(bytes.prefix(cut))
      hash.update(bytes.dropFirst(cut))
      #expect(hash.finish() == SHA256.text(bytes))
    }
  }

  @Test func `what was asked is not asked again, also by another process`() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "deep/answers.jsonl").path
    let first = FakeLanguageModel()
    let expected = try answers(CachedLanguageModel(first, cache: ResponseCache(path)))
    #expect(first.asked == 4)
    let second = FakeLanguageModel()
    let cached = CachedLanguageModel(second, cache: try ResponseCache(path))
    #expect(try answers(cached) == expected)
    #expect(second.asked == 0 && cached.foundAnswers == 4)
  }

  @Test func `another model or another kind of question is another answer`() throws {
    let folder = try TemporaryFolder()
    let cache = try ResponseCache(folder.url.appending(path: "a").path)
    _ = try answers(CachedLanguageModel(FakeLanguageModel(), cache: cache))
    let other = FakeLanguageModel(identity: "other")
    _ = try answers(CachedLanguageModel(other, cache: cache))
    #expect(other.asked == 4)
    let model = CachedLanguageModel(FakeLanguageModel(), cache: cache)
    try model.rollingLogLikelihoods(["abcde"]) { #expect($1.windows.count == 2) }
    let prompt = GenerationRequest(context: "abcde", stop: [], maximumTokens: 1)
    for _ in 0..<2 { try model.generate([prompt]) { #expect($1.text == "abcde") } }
    #expect(model.foundAnswers == 1 && cache.count == 10)
  }

  @Test func `a killed run goes on where it was`() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "a").path
    let killed = FakeLanguageModel()
    killed.mostAnswers = 3
    #expect(throws: FakeLanguageModel.Killed.self) {
      try answers(CachedLanguageModel(killed, cache: ResponseCache(path)))
    }
    let again = FakeLanguageModel()
    #expect(try answers(CachedLanguageModel(again, cache: ResponseCache(path))).count == 4)
    #expect(again.asked == 1)
  }

  @Test func `a file cut at any byte keeps its whole lines and can be added to`() throws {
    let folder = try TemporaryFolder()
    let whole = folder.url.appending(path: "whole").path
    let expected = try answers(
      CachedLanguageModel(FakeLanguageModel(), cache: ResponseCache(whole)))
    let bytes = try Data(contentsOf: URL(filePath: whole))
    let lengths = bytes.split(separator: UInt8(ascii: "\n")).map(\.count)
    for cut in stride(from: 0, through: bytes.count, by: 7) {
      let path = folder.url.appending(path: "cut").path
      try bytes.prefix(cut).write(to: URL(filePath: path))
      // A line that only lacks its end is whole.
      var (kept, rest) = (0, cut)
      for length in lengths where rest >= length { (kept, rest) = (kept + 1, rest - length - 1) }
      #expect(try ResponseCache(path).count == kept)
      let model = FakeLanguageModel()
      #expect(try answers(CachedLanguageModel(model, cache: ResponseCache(path))) == expected)
      #expect(model.asked == 4 - kept)
      #expect(try ResponseCache(path).count == 4)
    }
  }

  @Test func `lines of nonsense are passed over`() throws {
    let folder = try TemporaryFolder()
    let key = String(repeating: "0", count: 64)
    let lines = [
      "nonsense", "{}", "{\"key\":\"short\",\"answer\":1}", "{\"key\":\"\(key)\",\"answer\":}",
      "{\"key\":\"\(key)\",\"answer\":{\"logLike{\"key\":\"\(key)\",\"answer\":{}}",
      "{\"key\":\"\(key)\",\"answer\":{}}", "\u{0}\u{1}",
    ]
    let cache = try ResponseCache(try folder.write(lines.joined(separator: "\n"), to: "a"))
    #expect(cache.count == 1 && cache.brokenLines == 6)
  }

  @Test func `a place that cannot be written is an error`() {
    #expect(throws: EvaluationError.self) { try ResponseCache("/proc/none/answers") }
    #expect(throws: EvaluationError.self) { try ResponseCache("/dev/zero") }
  }

  @Test func `a file of something else is left alone`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("weights", to: "model.gguf")
    #expect(throws: EvaluationError.self) { try ResponseCache(path) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "weights")
  }
}
