import Foundation

/// A process's place at a run: held until it is let go or the process ends, however it ends.
///
/// The first place belongs to the process that began the run or goes on with it; those that join it take the others.
final class FolderLock {
  /// From 0, the first.
  let place: Int
  private let file: LockedFile

  private init(_ place: Int, _ file: LockedFile) { (self.place, self.file) = (place, file) }

  /// Takes the first place of a folder.
  ///
  /// - Parameters:
  ///   - folder: the run's.
  ///   - canBeJoined: whether other processes can help with it.
  /// - Throws: ``SearchError`` when another process has it.
  convenience init(_ folder: SearchFolder, canBeJoined: Bool) throws(SearchError) {
    // Whoever only looks holds it for a moment.
    for _ in 0..<20 {
      if let file = try Self.take(folder, place: 0) {
        self.init(0, file)
        return
      }
      usleep(10_000)
    }
    let holder = Self.holder(folder).map { "process \($0)" } ?? "another process"
    throw SearchError(
      "\(folder.url.path) is worked on by \(holder); wait for it\(canBeJoined ? ", " : " or ")end it first"
        + (canBeJoined ? ", or help it by 'jet postnas join \(folder.url.path)'" : ""))
  }

  /// Takes one of the places beside the first.
  ///
  /// - Throws: ``SearchError`` when all are taken.
  convenience init(joining folder: SearchFolder) throws(SearchError) {
    for place in 1..<Self.places {
      if let file = try Self.take(folder, place: place) {
        self.init(place, file)
        return
      }
    }
    throw SearchError(
      "\(folder.url.path) is worked on by \(Self.places) processes already; end one of them first")
  }

  /// How many processes may work on a run.
  private static let places = 64

  private static func take(
    _ folder: SearchFolder, place: Int
  ) throws(SearchError) -> LockedFile? {
    guard let file = try LockedFile(path(folder, place)) else { return nil }
    try file.sign()
    return file
  }

  /// The process that has the first place; nil when none does.
  static func holder(_ folder: SearchFolder) -> Int? { LockedFile.holder(path(folder, 0)) }

  /// The processes that work on a run, by their places.
  static func holders(_ folder: SearchFolder) -> [Int: Int] {
    var found: [Int: Int] = [:]
    for place in 0..<places {
      if let process = LockedFile.holder(path(folder, place)) { found[place] = process }
    }
    return found
  }

  private static func path(_ folder: SearchFolder, _ place: Int) -> String {
    folder.url.appending(path: place == 0 ? "lock" : "lock-\(place)").path
  }
}
