internal import CJetTorch
internal import Foundation
import Synchronization

/// Jet's own kernels for NVIDIA GPUs: `libjet_cuda.so`, opened when a GPU is first asked for.
public enum CUDAKernels {
  /// What became of the search for the library.
  public enum State: Sendable, Equatable {
    /// No GPU has been asked for.
    case notSought
    /// It is in use.
    case loaded(path: String)
    /// None of these files exists.
    case absent(paths: [String])
    /// It is there and could not be opened.
    case failed(path: String, reason: String)
  }

  /// The environment variable that names the library's file, or none where it is empty.
  public static let variable = "JET_CUDA_LIBRARY"

  private static let stored = Mutex(State.notSought)

  /// What was found.
  public static var state: State { stored.withLock { $0 } }

  /// Whether operations on a GPU can take our kernels.
  public static var isLoaded: Bool {
    if case .loaded = state { true } else { false }
  }

  /// Where the library is looked for: the file that ``variable`` names, else beside the program and in `.build/cuda` of a
  /// folder around it.
  static func candidates(program: String, named: String?) -> [String] {
    if let named { return named.isEmpty ? [] : [named] }
    let file = "libjet_cuda.so"
    var folder = URL(filePath: program).resolvingSymlinksInPath().deletingLastPathComponent()
    var paths = [folder.appending(path: file).path]
    while folder.path != "/" {
      if folder.lastPathComponent.hasPrefix(".build") {
        paths.append(
          folder.deletingLastPathComponent().appending(path: ".build/cuda/\(file)").path)
        break
      }
      folder.deleteLastPathComponent()
    }
    return paths
  }

  /// Opens the library, once.
  static func open() {
    stored.withLock { state in
      guard state == .notSought else { return }
      let paths = candidates(
        program: "/proc/self/exe", named: ProcessInfo.processInfo.environment[variable])
      guard let path = paths.first(where: FileManager.default.fileExists(atPath:)) else {
        state = .absent(paths: paths)
        return
      }
      do throws(TorchError) {
        try check("opening \(path)") { jt_library_open(path) }
        state = .loaded(path: path)
      } catch {
        state = .failed(path: path, reason: error.message)
      }
    }
  }
}
