import Foundation

/// Finds the file or folder that a MODEL on the command line means.
struct ModelLocator {
  /// The models that `make setup` fetches, by name.
  static let known = ["smollm2-135m": "SmolLM2-135M-Instruct.Q4_1.gguf"]

  /// The environment variable that names folders of models, with colons between.
  static let variable = "JET_MODELS"

  /// Where names are looked for, in order.
  let folders: [String]

  /// A locator that looks in the given folders.
  init(folders: [String]) { self.folders = folders }

  /// The locator of a running program: folders of `JET_MODELS`, then `.deps/models` of the current
  /// folder and of those above the executable.
  init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    currentFolder: String = FileManager.default.currentDirectoryPath,
    executable: String? = Bundle.main.executablePath
  ) {
    var folders = (environment[Self.variable] ?? "").split(separator: ":").map(String.init)
    folders.append(Self.fetched(in: URL(filePath: currentFolder)))
    var folder = executable.map { URL(filePath: $0).resolvingSymlinksInPath() }
    // A build lies at most four folders below the checkout: .build/<machine>/release/jet.
    for _ in 0..<4 {
      folder?.deleteLastPathComponent()
      guard let place = folder.map(Self.fetched) else { break }
      if FileManager.default.fileExists(atPath: place) { folders.append(place) }
    }
    var seen: Set<String> = []
    self.folders = folders.filter { seen.insert($0).inserted }
  }

  /// The path of a model.
  ///
  /// - Throws: ``CommandError`` that says what was looked for and where.
  func path(of name: String) throws -> String {
    guard !name.isEmpty else {
      throw CommandError("The name of the model is empty; give a folder, a .gguf file or a name.")
    }
    if exists(name) { return name }
    guard !name.contains("/"), !name.hasSuffix(".gguf") else {
      throw CommandError(
        "\(name) does not exist; give a folder with config.json, a .gguf file, or one of the names "
          + "\(names).")
    }
    for folder in folders {
      let candidates = [name, "\(name).gguf"] + (Self.known[name].map { [$0] } ?? [])
      if let found = candidates.map({ "\(folder)/\($0)" }).first(where: exists) { return found }
    }
    if Self.known[name] != nil {
      throw CommandError(
        "The model \(name) was not fetched yet (looked in \(folders.joined(separator: ", "))); run "
          + "`make setup`, or name its folder in \(Self.variable).")
    }
    throw CommandError(
      "There is no file, folder or model named \(name) (looked in "
        + "\((["the current folder"] + folders).joined(separator: ", "))); give a path, one of the "
        + "names \(names), or name your folder of models in \(Self.variable).")
  }

  /// The known models that are there, with their paths.
  var present: [(name: String, path: String)] {
    Self.known.sorted { $0.key < $1.key }.compactMap { name, file in
      folders.map { "\($0)/\(file)" }.first(where: exists).map { (name, $0) }
    }
  }

  private var names: String { Self.known.keys.sorted().joined(separator: ", ") }

  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  private static func fetched(in folder: URL) -> String {
    folder.appending(path: ".deps/models").path
  }
}
