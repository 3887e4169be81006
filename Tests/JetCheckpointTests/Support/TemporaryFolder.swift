import Foundation

/// A folder that exists as long as this object.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "jet-checkpoint-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit {
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      print("A test's folder was not removed: \(error)")
    }
  }

  var path: String { url.path }

  func write(_ bytes: [UInt8], as name: String) throws {
    try Data(bytes).write(to: url.appending(path: name))
  }

  func write(_ text: String, as name: String) throws { try write(Array(text.utf8), as: name) }

  var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

/// The folder that holds this test target's sources, for paths relative to it.
let testsFolder = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// What is given beside the repository; tests of it are skipped where it is absent.
let sharedFolder = testsFolder.appending(path: "../../shared").standardizedFileURL

func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }
