import Foundation

/// Answers of one model, kept in a file of JSON lines: `{"key": …, "answer": …}`.
///
/// Lines are only ever added, each by a single write, so a killed process leaves at most a last line
/// that is cut; such a line is passed over, and the next one begins behind it. Several processes may
/// add to one file.
public final class ResponseCache {
  /// The file.
  public let path: String
  /// Lines that could not be read and were passed over.
  public private(set) var brokenLines = 0
  private var answers: [String: Data] = [:]
  private let handle: FileHandle

  /// Opens the file, which is made if it is not there, with its folder.
  ///
  /// - Throws: ``EvaluationError`` naming the file when it cannot be made, read or written.
  public init(_ path: String) throws {
    self.path = path
    do {
      let url = URL(filePath: path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else {
        throw EvaluationError(String(cString: strerror(errno)))
      }
      handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw EvaluationError("it is no file")
      }
      let stored = try handle.readToEnd() ?? Data()
      for line in stored.split(separator: UInt8(ascii: "\n")) { take(line) }
      // A first line may have been cut anywhere.
      let first = stored.prefix { $0 != UInt8(ascii: "\n") }
      guard !answers.isEmpty || first.starts(with: Self.head) || Self.head.starts(with: first)
      else { throw EvaluationError("it holds no answers") }
      if let last = stored.last, last != UInt8(ascii: "\n") { try write(Data("\n".utf8)) }
    } catch {
      throw EvaluationError(
        "The answer cache \(path) cannot be opened (\(error.localizedDescription)); give another file "
          + "with --cache, or --no-cache.")
    }
  }

  /// How many answers there are.
  public var count: Int { answers.count }

  /// The answer to a request, where there is one of that type.
  func answer<Request: Encodable, Answer: Decodable>(
    _ identity: String, _ kind: String, _ request: Request, as type: Answer.Type = Answer.self
  ) throws -> Answer? {
    // An answer of another shape was written by another version and is asked for again.
    try answers[Self.key(identity, kind, request)].flatMap {
      try? JSONDecoder().decode(Answer.self, from: $0)
    }
  }

  /// Keeps an answer.
  ///
  /// - Throws: ``EvaluationError`` when the file cannot be written, as on a full disk.
  func store<Request: Encodable, Answer: Encodable>(
    _ answer: Answer, _ identity: String, _ kind: String, _ request: Request
  ) throws {
    let key = try Self.key(identity, kind, request)
    let encoded = try Self.encoder.encode(answer)
    var line = Self.head + Data("\(key)\",\"answer\":".utf8)
    line.append(encoded)
    line.append(Data("}\n".utf8))
    try write(line)
    answers[key] = encoded
  }

  private func take(_ line: Data) {
    let head = Self.head
    let middle = Data("\",\"answer\":".utf8)
    let start = line.startIndex + head.count
    guard line.starts(with: head), line.count > head.count + 64 + middle.count + 1,
      line[(start + 64)...].starts(with: middle), line.last == UInt8(ascii: "}")
    else {
      brokenLines += 1
      return
    }
    let key = String(decoding: line[start..<start + 64], as: UTF8.self)
    let answer = Data(line[(start + 64 + middle.count)...].dropLast())
    // A line that was cut inside and grew together with another is no JSON.
    guard (try? JSONSerialization.jsonObject(with: answer)) != nil else {
      brokenLines += 1
      return
    }
    answers[key] = answer
  }

  private func write(_ data: Data) throws {
    var rest = data[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Foundation.write(handle.fileDescriptor, $0.baseAddress, $0.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw EvaluationError(
          "The answer cache \(path) cannot be written (\(String(cString: strerror(errno)))); free "
            + "some space, or give another place.")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// How a line begins.
  private static let head = Data("{\"key\":\"".utf8)

  private static func key<Request: Encodable>(
    _ identity: String, _ kind: String, _ request: Request
  ) throws -> String {
    var text = Data("\(identity)\n\(kind)\n".utf8)
    text.append(try encoder.encode(request))
    return SHA256.text(text)
  }

  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()
}
