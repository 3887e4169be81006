import Foundation

/// Places that results are written to when long work has ended.
enum OutputPlace {
  /// Refuses a place before the work rather than after it.
  ///
  /// - Parameter option: the option that names it.
  static func expect(_ path: String, of option: String) throws {
    var status = stat()
    let isThere = stat(path, &status) == 0
    var folder = stat()
    let parent = URL(filePath: path).deletingLastPathComponent().path
    guard !path.isEmpty, !path.hasSuffix("/"), !isThere || status.st_mode & S_IFMT == S_IFREG,
      stat(parent, &folder) == 0, folder.st_mode & S_IFMT == S_IFDIR, access(parent, W_OK) == 0
    else {
      throw CommandError(
        "\(option) \(path.isEmpty ? "''" : path) cannot be written; name a file in a folder that can be "
          + "written to.")
    }
  }
}
