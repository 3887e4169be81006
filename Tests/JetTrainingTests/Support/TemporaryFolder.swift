import Foundation

/// A folder that exists as long as this object.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "jet-training-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit {
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      print("A test's folder was not removed: \(error)")
    }
  }

  func write(_ bytes: [UInt8], as name: String) throws -> URL {
    let file = url.appending(path: name)
    try Data(bytes).write(to: file)
    return file
  }

  func write(_ text: String, as name: String) throws -> URL {
    try write(Array(text.utf8), as: name)
  }
}

/// The sentence of an error that `body` throws; nil if it throws none.
func sentence(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
