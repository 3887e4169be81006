/// How a kind of checkpoint names and orders what the released code calls by its own names.
protocol CheckpointNames: Sendable {
  /// The name in the file of the tensor that the released code calls `name`.
  func stored(_ name: String) -> String
  /// Row `i` of the tensor is row `rowOrder[i]` of the file; nil where the order is the same.
  func rowOrder(_ name: String, rows: Int) -> [Int]?
  /// Whether a tensor of the file says nothing that the others and the configuration do not.
  func isDerived(_ stored: String, tiesEmbeddings: Bool) -> Bool
}

/// The released code's own names.
struct HuggingFaceNames: CheckpointNames {
  func stored(_ name: String) -> String { name }
  func rowOrder(_ name: String, rows: Int) -> [Int]? { nil }

  func isDerived(_ stored: String, tiesEmbeddings: Bool) -> Bool {
    stored.hasSuffix("rotary_emb.inv_freq") || (tiesEmbeddings && stored == "lm_head.weight")
  }
}
