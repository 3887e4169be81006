public import JetTensor

/// One token of each of N sequences that have slots and pages in ``StatePools``.
public struct PooledStep {
  /// int64 `[N]`.
  public var tokens: Tensor
  /// int32 `[N]`, different but for rows in slot 0.
  public var slots: Tensor
  /// int32 `[N]`: tokens that each sequence has behind it.
  public var positions: Tensor
  /// int32 `[N, M]`: the pages of each sequence in order; what stands behind its last one is not looked at.
  public var pages: Tensor
  /// The positions where the host knows them; nil in a step that a graph will repeat at other positions.
  public var knownPositions: [Int]?

  /// A step with all its values.
  public init(
    tokens: Tensor, slots: Tensor, positions: Tensor, pages: Tensor, knownPositions: [Int]? = nil
  ) {
    self.tokens = tokens
    self.slots = slots
    self.positions = positions
    self.pages = pages
    self.knownPositions = knownPositions
  }

  /// A step of sequences that the host knows all about.
  ///
  /// - Parameter pages: as many a row, or fewer; missing ones are page 0.
  public init(tokens: [Int], slots: [Int], positions: [Int], pages: [[Int]], device: Device = .cpu)
  {
    let width = max(1, pages.map(\.count).max() ?? 1)
    func indices(_ values: [Int], _ shape: [Int]) -> Tensor {
      Tensor(values.map(Int32.init), shape: shape).uploaded(to: device)
    }
    self.init(
      tokens: Tensor(tokens).uploaded(to: device), slots: indices(slots, [slots.count]),
      positions: indices(positions, [positions.count]),
      pages: indices(
        pages.flatMap { $0 + Array(repeating: 0, count: width - $0.count) }, [pages.count, width]),
      knownPositions: positions)
  }
}

/// The next tokens of one sequence that has a slot and pages in ``StatePools``.
public struct PooledPiece {
  /// At least one.
  public var tokens: [Int]
  /// Its slot.
  public var slot: Int
  /// Tokens that it has behind it.
  public var start: Int
  /// Its pages in order, with room for these tokens.
  public var pages: [Int]

  /// A piece with all its values.
  public init(tokens: [Int], slot: Int, start: Int, pages: [Int]) {
    self.tokens = tokens
    self.slot = slot
    self.start = start
    self.pages = pages
  }
}
