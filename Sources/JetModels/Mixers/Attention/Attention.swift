import Foundation
import JetKernels
import JetTensor

/// Softmax attention with grouped heads, to all tokens or to a window of the last ones.
///
/// `[B, T, D]` to `[B, T, D]`: projections (with biases in Qwen2 and Jet-Nemotron), norms of query and key (Qwen3),
/// rotary embedding, causal attention, output projection.
public struct Attention {
  /// Heads, widths and window.
  public private(set) var configuration: AttentionConfiguration
  /// Query, key and value projections, merged.
  public let projection: Linear
  /// Norms of each head of query and key.
  public let headNorms: (query: RMSNorm, key: RMSNorm)?
  /// The output projection.
  public let output: Linear
  let scale: Double

  init(
    _ configuration: AttentionConfiguration, _ model: ModelConfiguration, _ path: ParameterPath
  ) throws {
    self.configuration = configuration
    let (width, deviation) = (configuration.headWidth, model.initializerDeviation)
    let (heads, keyHeads) = (configuration.heads * width, configuration.keyValueHeads * width)
    projection = try Linear(
      model.width, toEach: [("q_proj", heads), ("k_proj", keyHeads), ("v_proj", keyHeads)],
      hasBias: configuration.hasBias, deviation: deviation, path)
    output = try Linear(heads, to: model.width, deviation: deviation, path / "o_proj")
    headNorms =
      configuration.normalizesQueriesAndKeys
      ? (
        try RMSNorm(width, eps: model.normEps, path / "q_norm"),
        try RMSNorm(width, eps: model.normEps, path / "k_norm")
      ) : nil
    scale = 1 / sqrt(Double(width))
  }

  /// The same weights with attention to another window; to all tokens when nil.
  func windowed(_ window: Int?) -> Attention {
    var other = self
    other.configuration.window = window
    return other
  }

  func callAsFunction(
    _ x: Tensor, state: inout AttentionState?, _ context: ForwardContext
  ) -> Tensor {
    let (q, k, v) = projected(x, context)
    let mixed: Tensor
    if let carried = state {
      var next = carried
      mixed =
        configuration.window.map { attend(q, k, v, window: $0, &next, context) }
        ?? attend(q, k, v, &next, context)
      state = next
    } else {
      mixed = attention(
        query: q, key: k, value: v, layout: .same, window: configuration.window, scale: scale)
    }
    return merged(mixed, context)
  }

  /// Queries `[B, H, T, Dh]`, keys and values `[B, G, T, Dh]`, normed and turned.
  func projected(_ x: Tensor, _ context: ForwardContext) -> (Tensor, Tensor, Tensor) {
    let (heads, groups) = (configuration.heads, configuration.keyValueHeads)
    let parts = context.spread(projection(x)).heads(heads + 2 * groups)
      .split([heads, groups, groups], dim: 2)
    let angles = context.angles(headWidth: configuration.headWidth)
    return (
      rotary(headNorms.map { $0.query(parts[0]) } ?? parts[0], angles).transposed(1, 2),
      rotary(headNorms.map { $0.key(parts[1]) } ?? parts[1], angles).transposed(1, 2),
      parts[2].transposed(1, 2)
    )
  }

  /// The output projection of all heads, `[B, H, T, Dh]` to `[B, T, D]`.
  func merged(_ mixed: Tensor, _ context: ForwardContext) -> Tensor {
    output(context.packed(mixed.transposed(1, 2).mergedHeads))
  }

  /// Attention to all tokens: the new keys and values go behind the old ones.
  private func attend(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ state: inout AttentionState, _ context: ForwardContext
  ) -> Tensor {
    let starts = context.starts
    let end = (starts.max() ?? 0) + context.length
    state.reserve(end)
    if context.isUniform, let start = starts.first {
      state.keys.slice(start..<end, dim: 2).assign(k)
      state.values.slice(start..<end, dim: 2).assign(v)
      if start == 0 { return attention(query: q, key: k, value: v, layout: .same, scale: scale) }
      return attention(
        query: q, key: state.keys.slice(0..<end, dim: 2),
        value: state.values.slice(0..<end, dim: 2),
        layout: .after(past: start), scale: scale)
    }
    for (row, start) in starts.enumerated() {
      let count = context.counts[row]
      for (cache, new) in [(state.keys, k), (state.values, v)] {
        cache.select(row, dim: 0).slice(start..<start + count, dim: 1)
          .assign(new.select(row, dim: 0).slice(0..<count, dim: 1))
      }
    }
    // Keys behind a sequence's own stand later than all of its queries but those of its padding.
    let keyPositions = Tensor.range(0, to: end, device: context.device).unsqueezed(0)
      .expanded([context.sequences, end])
    return attention(
      query: q, key: state.keys.slice(0..<end, dim: 2), value: state.values.slice(0..<end, dim: 2),
      layout: .positions(queries: context.queryPositions, keys: keyPositions), scale: scale)
  }

  /// Attention to a window: the keys of the last tokens lie in a ring, position `p` at slot `p mod window`.
  private func attend(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, window: Int, _ state: inout AttentionState,
    _ context: ForwardContext
  ) -> Tensor {
    let starts = context.starts
    defer { store(k, v, window: window, &state, context) }
    if context.isUniform, let start = starts.first {
      let past = min(start, window - 1)
      if past == 0 {
        return attention(query: q, key: k, value: v, layout: .same, window: window, scale: scale)
      }
      let slots = Tensor((start - past..<start).map { $0 % window }).to(context.device)
      return attention(
        query: q, key: Tensor.concatenate([state.keys.rows(slots, dim: 2), k], dim: 2),
        value: Tensor.concatenate([state.values.rows(slots, dim: 2), v], dim: 2),
        layout: .after(past: past), window: window, scale: scale)
    }
    let ring = starts.flatMap { start in
      (0..<window).map { slot in
        let position = start - 1 - (start - 1 - slot + window * 2) % window
        return start > 0 && position >= 0 ? position : -1
      }
    }
    let ringPositions = Tensor(ring, shape: [starts.count, window]).to(context.device)
    let queries = context.queryPositions
    return attention(
      query: q, key: Tensor.concatenate([state.keys, k], dim: 2),
      value: Tensor.concatenate([state.values, v], dim: 2),
      layout: .positions(
        queries: queries, keys: Tensor.concatenate([ringPositions, queries], dim: 1)),
      window: window, scale: scale)
  }

  /// Writes the last keys and values of each sequence to their slots of the ring.
  private func store(
    _ k: Tensor, _ v: Tensor, window: Int, _ state: inout AttentionState, _ context: ForwardContext
  ) {
    for (row, start) in context.starts.enumerated() {
      let count = context.counts[row]
      let kept = max(0, count - window)..<count
      guard !kept.isEmpty else { continue }
      let slots = Tensor(kept.map { (start + $0) % window }).to(context.device)
      for (cache, new) in [(state.keys, k), (state.values, v)] {
        cache.select(row, dim: 0)
          .assign(new.select(row, dim: 0).slice(kept, dim: 1), at: [nil, slots])
      }
    }
  }

  /// One token a sequence, norm and residual included: `x + attention(norm(x))`.
  func appendStep(
    to steps: inout LayerSteps, norm: RMSNorm, state: inout AttentionState,
    _ context: ForwardContext
  ) {
    if configuration.window == nil { state.reserve((context.starts.max() ?? 0) + 1) }
    steps.appendAttention(
      norm: norm.weight, eps: norm.eps, projection: projection.weight, bias: projection.bias,
      queryNorm: headNorms?.query.weight, keyNorm: headNorms?.key.weight,
      angles: context.angles(headWidth: configuration.headWidth), keys: state.keys,
      values: state.values, pages: context.places.pages, positions: context.places.positions,
      isRing: state.isRing, output: output.weight, heads: configuration.heads, scale: scale)
  }
}
