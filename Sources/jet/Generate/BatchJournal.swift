import Foundation
import JetEvaluation
import JetFormats
import JetInference

/// The results of a run with `--output` that has not come to its end, in `FILE.partial`: a line that names the run, then the
/// line of each text as it ended. A run that was killed goes on from there; what it adds can differ from what it would have
/// written in one go by the rounding of other texts at its side, as any text of several can.
final class BatchJournal {
  /// What a run's results depend on.
  struct Run: Encodable {
    private let model: [String]
    private let stops: [String]
    /// The tokens that end a text, as a set has no order of its own.
    private let stopTokens: [[Int]]
    private let prompts: [BatchPrompt]

    /// - Parameters:
    ///   - model: what tells the model and its numbers from others.
    ///   - stops: the stop texts.
    init(model: [String], stops: [String], prompts: [BatchPrompt]) {
      (self.model, self.stops) = (model, stops)
      stopTokens = prompts.map { $0.request.options.stopTokens.sorted() }
      self.prompts = prompts.map { prompt in
        var request = prompt.request
        request.options.stopTokens = []
        return BatchPrompt(index: prompt.index, id: prompt.id, request: request)
      }
    }

    /// 64 hexadecimal digits.
    func name() throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return SHA256.text(try encoder.encode(self))
    }
  }

  private struct Header: Codable {
    let jetRun: String
  }

  private struct Place: Decodable {
    let index: Int
  }

  /// The file with what is there so far.
  let path: String
  private let output: String
  private let descriptor: Int32
  /// Lines with the places of their prompts, as they were written.
  private var lines: [(place: Int, text: String)] = []
  private var places: Set<Int> = []

  /// Opens the journal of a run that writes to `output`; makes it where there is none.
  ///
  /// - Parameters:
  ///   - run: the run's name.
  ///   - prompts: how many it has.
  /// - Throws: ``CommandError`` for the journal of another run, one that another process writes, or one that cannot be
  ///   opened; what reading and writing throw.
  init(output: String, run: String, count prompts: Int) throws {
    try OutputPlace.expect(output, of: "--output")
    (self.output, path) = (output, output + ".partial")
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0o666)
    guard descriptor >= 0 else {
      throw CommandError("\(path) cannot be opened (\(Self.reason)); check the folder of --output.")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw CommandError(
        errno == EWOULDBLOCK
          ? "\(path) is being written by another process; wait for it, or give another --output."
          : "\(path) cannot be locked (\(Self.reason)); put --output on a disk with file locks.")
    }
    let bytes =
      try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data()
    // What follows the last end of a line was being written when the process was killed.
    let whole = bytes.prefix(bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
    var texts = whole.split(separator: UInt8(ascii: "\n")).makeIterator()
    let header = try jsonLine(Header(jetRun: run))
    let isOwn =
      texts.next().map { (try? Self.decode(Header.self, $0))?.jetRun == run }
      ?? Data(header.utf8).starts(with: bytes)
    guard isOwn else {
      throw CommandError(
        "\(path) does not belong to this run: it is of other prompts, another model or other options, or no "
          + "file of results; give those again, another --output, or remove it.")
    }
    guard ftruncate(descriptor, off_t(whole.count)) == 0 else {
      throw CommandError("\(path) cannot be shortened (\(Self.reason)); remove it and run again.")
    }
    if whole.isEmpty { try write(header) }
    while let text = texts.next() {
      guard let place = (try? Self.decode(Place.self, text))?.index, (0..<prompts).contains(place)
      else {
        throw CommandError("\(path) has a line that is no result; remove the file and run again.")
      }
      keep(String(decoding: text, as: UTF8.self), place)
      count = places.count
    }
  }

  deinit { close(descriptor) }

  /// How many texts the file has.
  private(set) var count = 0

  /// Whether the text of a prompt is there.
  func has(_ prompt: BatchPrompt) -> Bool { places.contains(prompt.index) }

  /// Takes the result of a prompt. One that failed is not written, so that the next run tries it again.
  func add(_ report: BatchReport) throws {
    let line = try jsonLine(report)
    if report.error == nil {
      try write(line)
      count += 1
    }
    keep(line, report.index)
  }

  /// Writes the output as a whole and removes the journal, but for one of a run in which prompts failed.
  ///
  /// - Parameters:
  ///   - isOrdered: whether results come in the order of the prompts, or as they ended.
  ///   - isWhole: whether no prompt failed.
  func finish(isOrdered: Bool, isWhole: Bool = true) throws {
    let all = isOrdered ? lines.sorted { $0.place < $1.place } : lines
    try AtomicFile.write(
      Data(all.map { $0.text + "\n" }.joined().utf8), to: URL(filePath: output))
    if isWhole { unlink(path) }
  }

  private func keep(_ line: String, _ place: Int) {
    guard places.insert(place).inserted else { return }
    lines.append((place, line))
  }

  private func write(_ line: String) throws {
    try FileOutput(descriptor: descriptor, path: path).write(line + "\n")
  }

  private static var reason: String { String(cString: strerror(errno)) }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ line: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: line)
  }
}
