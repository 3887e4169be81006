import Foundation

/// The folder that holds this test target's sources, for paths relative to it.
let testsFolder = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// What is given beside the repository; tests of it are skipped where it is absent.
let sharedFolder = testsFolder.appending(path: "../../shared").standardizedFileURL

func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }
