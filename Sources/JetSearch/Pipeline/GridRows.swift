import JetModels

/// The rows of a grid: heads and widths at a constant size of a block's memory.
enum GridRows {
  /// Value widths are multiples of this, as fast kernels like them.
  private static let step = 8

  /// The rows of a configuration for a block, the block's own left out.
  ///
  /// - Throws: ``SearchError`` when explicit rows have a memory of another size than the block.
  static func rows(
    _ grid: GridConfiguration, of block: MixerConfiguration
  ) throws(SearchError) -> [GridConfiguration.Row] {
    guard let own = row(of: block) else { return [] }
    if let first = grid.rows.first, first.elements != own.elements {
      throw SearchError(
        "'grid.rows' have memories of \(first.elements) numbers, but that of the chosen block has "
          + "\(own.elements) (\(own.heads) heads, key \(own.keyWidth), value \(own.valueWidth)); a grid "
          + "keeps it constant")
    }
    let derived = grid.heads.flatMap { heads in
      grid.keyWidths.compactMap { key -> GridConfiguration.Row? in
        let (value, rest) = own.elements.quotientAndRemainder(dividingBy: heads * key)
        guard rest == 0, value > 0, value % step == 0 else { return nil }
        return GridConfiguration.Row(heads: heads, keyWidth: key, valueWidth: value)
      }
    }
    var seen: Set = [own]
    return (grid.rows + derived).filter { seen.insert($0).inserted }
  }

  /// The row of a block; nil for one without heads of keys and values that can be set.
  static func row(of block: MixerConfiguration) -> GridConfiguration.Row? {
    guard let sizes = block.linear?.stateSizes, resized(block, to: nil) != nil else { return nil }
    return GridConfiguration.Row(
      heads: sizes.heads, keyWidth: sizes.keyWidth, valueWidth: sizes.valueWidth)
  }

  /// A block with other heads and widths; nil where its kind has none that can be set alone.
  static func resized(
    _ block: MixerConfiguration, to row: GridConfiguration.Row?
  ) -> MixerConfiguration? {
    func set(_ heads: inout Int, _ key: inout Int, _ value: inout Int) {
      guard let row else { return }
      (heads, key, value) = (row.heads, row.keyWidth, row.valueWidth)
    }
    switch block {
    case .jet(var own):
      set(&own.heads, &own.keyWidth, &own.valueWidth)
      return .jet(own)
    case .gatedDeltaNet(var own):
      set(&own.heads, &own.keyWidth, &own.valueWidth)
      return .gatedDeltaNet(own)
    case .deltaNet(var own):
      set(&own.heads, &own.keyWidth, &own.valueWidth)
      return .deltaNet(own)
    case .gla(var own):
      set(&own.heads, &own.keyWidth, &own.valueWidth)
      return .gla(own)
    case .retNet(var own):
      set(&own.heads, &own.keyWidth, &own.valueWidth)
      return .retNet(own)
    case .attention, .mamba2, .rwkv7: return nil
    }
  }
}
