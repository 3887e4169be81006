import Foundation

/// A search that was asked to stop and has kept all that it did.
public struct SearchStopped: Error, CustomStringConvertible {
  /// How to go on.
  public let description: String

  init(_ folder: SearchFolder) {
    description =
      "Stopped; what was done is kept. Go on with: jet postnas resume \(folder.url.path)"
  }

  init(description: String) { self.description = description }
}
