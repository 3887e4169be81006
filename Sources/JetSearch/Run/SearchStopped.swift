import Foundation

/// A search that was asked to stop and has kept all that it did.
public struct SearchStopped: Error, CustomStringConvertible {
  /// How to go on.
  public let description: String

  init(_ folder: SearchFolder, place: Int) {
    description =
      "Stopped; what was done is kept. Go on with: jet postnas \(place == 0 ? "resume" : "join") "
      + folder.url.path
  }

  init(description: String) { self.description = description }
}
