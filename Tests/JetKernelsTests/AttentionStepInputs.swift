import JetTensor

@testable import JetKernels

/// The sizes of one step of attention; one count of visible cache entries a sequence.
struct AttentionStepSize: Sendable, CustomStringConvertible {
  let counts: [Int]
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  var width = 40
  var isPlain = false
  var isStrided = false

  var description: String {
    "\(counts) entries, \(heads)/\(keyHeads) heads of \(headWidth), width \(width)"
      + (isPlain ? "" : ", bias and norms") + (isStrided ? ", strided cache" : "")
  }

  static let all =
    sequenceCounts.map { sequences in
      AttentionStepSize(
        counts: (0..<sequences).map { 1 + $0 * 37 % 70 }, heads: 4, keyHeads: 2, headWidth: 24)
    } + [
      AttentionStepSize(counts: [1], heads: 1, keyHeads: 1, headWidth: 2, width: 1, isPlain: true),
      AttentionStepSize(counts: [2, 63], heads: 3, keyHeads: 1, headWidth: 16, isPlain: true),
      AttentionStepSize(counts: [64, 1], heads: 5, keyHeads: 1, headWidth: 40, isStrided: true),
      AttentionStepSize(counts: [65], heads: 6, keyHeads: 6, headWidth: 64, isStrided: true),
      AttentionStepSize(counts: [255, 256, 257], heads: 6, keyHeads: 2, headWidth: 96),
      AttentionStepSize(counts: [1000], heads: 7, keyHeads: 1, headWidth: 128, isPlain: true),
      AttentionStepSize(counts: [1, 1000], heads: 8, keyHeads: 1, headWidth: 80),
      AttentionStepSize(counts: [31, 513], heads: 2, keyHeads: 2, headWidth: 256, width: 63),
      AttentionStepSize(counts: [33], heads: 9, keyHeads: 3, headWidth: 32, isStrided: true),
    ]
}

/// What a step of attention reads; the cache is copied by each call.
struct AttentionStepInputs {
  let size: AttentionStepSize
  let angles: RotaryAngles
  /// Input, norm, projection, output, cache of keys, cache of values, then bias and norms of heads unless plain.
  var tensors: [Tensor]
  let slots: [Int]
  let scale = 0.2

  init(_ size: AttentionStepSize, _ dtype: DType) {
    self.size = size
    let numbers = Numbers(dtype)
    let (sequences, width) = (size.counts.count, size.headWidth)
    let rows = (size.heads + 2 * size.keyHeads) * width
    // Room for two more entries than the longest has.
    let shape = [sequences, size.keyHeads, (size.counts.max() ?? 0) + 2, width]
    tensors = [
      numbers.parameter([sequences, size.width]), numbers.aroundOne([size.width]),
      numbers.weight(rows, size.width), numbers.weight(size.width, size.heads * width),
      numbers.parameter(shape), numbers.parameter(shape),
    ]
    if !size.isPlain {
      tensors += [
        numbers.parameter([rows], deviation: 0.5), numbers.aroundOne([width]),
        numbers.aroundOne([width]),
      ]
    }
    angles = RotaryAngles(
      positions: size.counts.map { [$0 + 3] }, headWidth: width,
      configuration: RotaryConfiguration(theta: 1e4))
    // At the end as in a growing cache, or somewhere in the middle as in a ring.
    slots = size.counts.enumerated().map { $0.isMultiple(of: 2) ? $1 - 1 : $1 / 3 }
  }

  /// The cache as a call finds it: NaN where the token goes and beyond the entries that are looked at.
  private func cache(_ filled: Tensor) -> Tensor {
    let copy = size.isStrided ? Layout.cut.laid(filled) : filled.clone()
    for (row, count) in size.counts.enumerated() {
      let own = copy.select(row, dim: 0)
      own.slice(count..<copy.dim(2), dim: 1).fill(.nan)
      own.slice(slots[row]..<slots[row] + 1, dim: 1).fill(.nan)
    }
    return copy
  }

  private func optional(_ x: [Tensor], _ index: Int) -> Tensor? {
    index < x.count ? x[index] : nil
  }

  /// The output, and the entries of both caches that are then in use, sequence after sequence.
  func step(_ x: [Tensor]) -> [Tensor] {
    let (keys, values) = (cache(x[4]), cache(x[5]))
    let y = Steps.attention(
      x[0], norm: x[1], eps: 1e-6, projection: x[2], bias: optional(x, 6),
      queryNorm: optional(x, 7), keyNorm: optional(x, 8), angles: angles, keys: keys,
      values: values, slots: Tensor(slots), counts: Tensor(size.counts), output: x[3],
      heads: size.heads, scale: scale)
    return [y] + used(keys) + used(values)
  }

  private func used(_ cache: Tensor) -> [Tensor] {
    size.counts.enumerated().map { row, count in
      cache.select(row, dim: 0).slice(0..<count, dim: 1).contiguous()
    }
  }

  /// The same by the definitions, in float32.
  func defined() -> [Tensor] {
    let x = tensors.map(\.float32)
    let (heads, keyHeads, sequences) = (size.heads, size.keyHeads, size.counts.count)
    let projected = wideLinear(
      rmsNormDefinition(x[0], weight: x[1], eps: 1e-6), x[2], optional(x, 6))
    let parts = projected.reshaped([sequences, 1, heads + 2 * keyHeads, size.headWidth])
      .split([heads, keyHeads, keyHeads], dim: 2)
    func turned(_ part: Tensor, _ norm: Tensor?) -> Tensor {
      let normed = norm.map { rmsNormDefinition(part, weight: $0, eps: 1e-6) } ?? part
      return rotaryDefinition(normed, angles).transposed(1, 2)  // [N, H, 1, D]
    }
    let (keys, values) = (x[4].clone(), x[5].clone())
    let (key, value) = (turned(parts[1], optional(x, 8)), parts[2].transposed(1, 2))
    for (row, slot) in slots.enumerated() {
      for (cache, new) in [(keys, key), (values, value)] {
        cache.select(row, dim: 0).slice(slot..<slot + 1, dim: 1).assign(new.select(row, dim: 0))
      }
    }
    let places = Tensor.range(0, to: keys.dim(2)).unsqueezed(0)
    let last = Tensor(size.counts.map { $0 - 1 }, shape: [sequences, 1])
    let mixed = attentionDefinition(
      query: turned(parts[0], optional(x, 7)), key: keys, value: values, queryPositions: last,
      keyPositions: places.expanded([sequences, -1]), window: nil, scale: scale)
    let y = x[0] + wideLinear(mixed.transposed(1, 2).reshaped([sequences, -1]), x[3])
    return [y] + used(keys) + used(values)
  }
}
