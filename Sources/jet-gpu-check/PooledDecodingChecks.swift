import JetModels
import JetTensor

/// Logits of sequences in pools: alone and together, in any slots, pages and rows, by a graph and without.
enum PooledDecodingChecks {
  /// The largest relative error where sums are taken in another order.
  ///
  /// In bfloat16 each layer may round to the neighbour, by 2⁻⁸ of a number; in float32 errors of 10⁻⁷ grow through four
  /// layers and some steps.
  private static func bound(_ dtype: DType) -> Double { dtype == .bfloat16 ? 5e-2 : 1e-4 }

  static func run(_ device: Device, small: Bool, _ tally: inout Tally) throws {
    for (kind, configuration) in [
      ("", EngineModel.configuration), (" of linear mixers", EngineModel.linearConfiguration),
    ] {
      for dtype in [DType.float32, .bfloat16] {
        let model = try EngineModel.model(dtype, on: device, configuration)
        // Of a size that is recorded, with and without rows that fill up; by our product and by libtorch's.
        for (count, size) in small ? [(3, 4)] : [(3, 4), (8, 8), (20, 24)] {
          let decoding = PooledDecoding(model, sequences: count, steps: small ? 3 : 8)
          try compare(decoding, kind, count, device == .cpu ? count : size, &tally)
        }
        guard !small, device != .cpu, kind.isEmpty else { continue }
        for rows in [8, 16] {
          let deep = PooledDecoding(
            model, sequences: 8, steps: 3, lengths: PooledDecoding.deepLengths)
          try compare(deep, " deep in texts", 8, rows, &tally)
        }
      }
    }
  }

  private static func compare(
    _ decoding: PooledDecoding, _ kind: String, _ count: Int, _ rows: Int, _ tally: inout Tally
  ) throws {
    let (dtype, device) = (decoding.model.dtype, decoding.model.embedding.device)
    let name = "\(dtype) logits\(kind) of \(count) sequences in \(rows) rows"
    let plain = decoding.together(rows: rows)
    let expected = try decoding.logits(plain)

    func expectBits(_ what: String, _ arrangement: PooledDecoding.Arrangement) throws {
      let difference = largestDifference(try decoding.logits(arrangement), expected)
      tally.record(
        difference == 0, "\(name), \(what): the same bits, largest difference \(difference)")
    }
    func expectNear(_ what: String, _ arrangement: PooledDecoding.Arrangement) throws {
      let found = try decoding.logits(arrangement)
      let bits = largestDifference(found, expected) == 0 ? "the same bits" : "not the same bits"
      tally.compare("\(name), \(what): \(bits)", [("logits", found, expected, bound(dtype))])
    }

    try expectBits("again", plain)
    var other = plain
    other.slots = permuted(count).map { $0 + 2 }
    other.pages = permuted(plain.pages.count).map { $0 + 1 }
    try expectBits("in other slots and pages", other)
    other = plain
    other.groups = [(0..<count).reversed()]
    // The CPU's product takes some rows together and others alone.
    device == .cpu
      ? try expectNear("in other rows", other) : try expectBits("in other rows", other)
    other.groups = (0..<count).map { [$0] }
    if device != .cpu { try expectBits("each alone in as many rows", other) }
    other.rows = 1
    try expectNear("each alone in one row", other)
    other = plain
    other.readsTogether = true
    try expectNear("their prompts read together", other)
    if device != .cpu {
      other = plain
      other.isRecorded = true
      try expectNear("by a graph", other)
    }
  }
}
