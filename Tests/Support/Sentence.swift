/// The sentence of an error that `body` throws; nil if it throws none.
public func sentence(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
