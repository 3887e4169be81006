/// A part of the layers, trained layer by layer by itself.
///
/// No gradient passes from one layer to another there, so parts can be trained one after another in less memory, or at
/// once by several processes. Each part reads all tokens, and the teacher as far as its last layer; the limit on the
/// gradients' length holds for the part.
struct LayerPart {
  /// Says which part it is where there are several: `layers`, or `layers-1`.
  let name: String
  /// From 1.
  let index: Int
  /// Ascending.
  let layers: [Int]

  /// Layers in `count` parts of about equal size, or as many as there are layers.
  static func of(_ layers: [Int], count: Int) -> [LayerPart] {
    let parts = min(max(1, count), max(1, layers.count))
    return (0..<parts).map { part in
      let (from, to) = (part * layers.count / parts, (part + 1) * layers.count / parts)
      return LayerPart(
        name: parts == 1 ? "layers" : "layers-\(part + 1)", index: part + 1,
        layers: Array(layers[from..<to]))
    }
  }
}
