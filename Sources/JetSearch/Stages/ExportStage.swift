import Foundation

/// Stage 8: the searched model as a folder that other programs load.
struct ExportStage {
  let folder: SearchFolder

  /// Copies the searched model; the folder appears whole or not at all.
  ///
  /// - Throws: ``SearchError`` when there is no such model yet, or the place is taken or cannot be written.
  func export(to place: URL) throws {
    let files = FileManager.default
    let source = FinalStage.model("searched", in: folder)
    guard files.fileExists(atPath: source.appending(path: "config.json").path) else {
      throw SearchError(
        "\(folder.url.path) has no final model yet; go on with 'jet postnas resume \(folder.url.path)'"
      )
    }
    guard !files.fileExists(atPath: place.path) else {
      throw SearchError("\(place.path) exists; name a folder that does not")
    }
    let partial = place.deletingLastPathComponent()
      .appending(path: ".\(place.lastPathComponent).partial")
    do {
      if files.fileExists(atPath: partial.path) { try files.removeItem(at: partial) }
      try files.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try files.copyItem(at: source, to: partial)
      try files.moveItem(at: partial, to: place)
    } catch {
      // The first error is the one to report.
      try? files.removeItem(at: partial)
      let fault = (error as? CocoaError)?.underlying as? POSIXError
      let reason =
        fault.map { String(cString: strerror($0.code.rawValue)) } ?? error.localizedDescription
      throw SearchError(
        "\(place.path) cannot be made: \(reason); give a folder that can be written, on a disk with room "
          + "for the model")
    }
  }
}
