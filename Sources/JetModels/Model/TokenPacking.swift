import JetTensor

/// Rows of tokens of unequal lengths one behind the other, without padding between them.
///
/// What works on each token alone runs on packed rows; what mixes the tokens of a row, on spread ones. Padding repeats the
/// last token of its own row, so that whatever a row holds stays its own.
///
/// Shapes: B rows, T tokens of the longest, ΣT of all.
struct TokenPacking {
  private let rows: Int
  private let length: Int
  /// The packed token at each place, int32 `[B·T]`, and the place of each packed token, int32 `[ΣT]`; nil where all rows
  /// are as long.
  private let places: (spread: Tensor, packed: Tensor)?

  init(_ counts: [Int], device: Device) {
    rows = counts.count
    let length = counts.max() ?? 0
    self.length = length
    guard counts.contains(where: { $0 != length }) else {
      places = nil
      return
    }
    var (spread, packed): ([Int32], [Int32]) = ([], [])
    for (row, count) in counts.enumerated() {
      let first = packed.count
      spread += (0..<length).map { Int32(first + min($0, count - 1)) }
      packed += (0..<count).map { Int32(row * length + $0) }
    }
    places = (
      Tensor(spread).uploaded(to: device), Tensor(packed).uploaded(to: device)
    )
  }

  /// `[1, ΣT, …]` to `[B, T, …]`.
  func spread(_ x: Tensor) -> Tensor {
    let all = places.map { x.squeezed(0).rows($0.spread) } ?? x
    return all.reshaped([rows, length] + x.shape.dropFirst(2))
  }

  /// `[B, T, …]` to `[1, ΣT, …]`.
  func packed(_ x: Tensor) -> Tensor {
    let rest = x.shape.dropFirst(2)
    let all = x.reshaped([rows * length] + rest)
    return places.map { all.rows($0.packed).unsqueezed(0) } ?? all.unsqueezed(0)
  }
}
