import Foundation
import JetEvaluation
import JetModels
import JetTensor

/// A placement is as good as it follows its teacher: `−KL(teacher ‖ placement)`, in nats a token, an observation a window.
///
/// The teacher runs once. Candidates that share their first layers with the candidate before them begin behind these.
public final class DivergenceObjective: PlacementObjective {
  /// Memory and batches.
  public struct Limits: Codable, Hashable, Sendable {
    /// Windows that run together.
    public var batchWindows: Int
    /// Rows whose logits are in memory at once.
    public var chunkRows: Int
    /// Bytes of the teacher's log-probabilities that may be kept; above that only its hidden states are, and the head
    /// runs again for every candidate.
    public var teacherBytes: Int
    /// Bytes of the layers' inputs of the last candidate that may be kept; above that all layers run for every candidate.
    public var prefixBytes: Int

    /// Limits with all their values.
    public init(
      batchWindows: Int = 8, chunkRows: Int = 512, teacherBytes: Int = 2 << 30,
      prefixBytes: Int = 2 << 30
    ) {
      self.batchWindows = batchWindows
      self.chunkRows = chunkRows
      self.teacherBytes = teacherBytes
      self.prefixBytes = prefixBytes
    }
  }

  /// Names weights and windows.
  public let identity: String
  /// Layers that ran since the objective was made, over batches; what ``Limits/prefixBytes`` saves shows here.
  public private(set) var layersRun = 0

  private let network: SuperNetwork
  private let limits: Limits
  private let batches: [Batch]
  private let keepsInputs: Bool
  private var lastChoices: [LayerChoice] = []
  /// Of each batch, the inputs of the layers of the last candidate.
  private var lastInputs: [[Tensor]] = []

  private struct Batch {
    let tokens: TokenBatch
    /// The teacher's hidden states, `[B · T, D]`.
    let hidden: Tensor
    /// Its log-probabilities, `[B · T, V]`, where they are kept.
    let logarithms: Tensor?
  }

  /// An objective on held-out windows.
  ///
  /// - Parameters:
  ///   - network: the super network that placements are of, and their teacher.
  ///   - weights: what its ``SuperNetwork/identity()`` gives.
  ///   - windows: tokens, all windows of one length.
  ///   - limits: memory and batches; the observations do not depend on them but by rounding.
  /// - Throws: ``SearchError`` for windows that cannot be read, what libtorch reports.
  public init(
    network: SuperNetwork, weights: String, windows: [[Int]], limits: Limits = Limits()
  ) throws {
    guard let length = windows.first?.count, length > 0,
      windows.allSatisfy({ $0.count == length })
    else {
      throw SearchError(
        "the divergence needs windows of one length, with a token at least; "
          + "\(windows.count) were given of \(Set(windows.map(\.count)).sorted()) tokens")
    }
    guard limits.batchWindows >= 1, limits.chunkRows >= 1 else {
      throw SearchError("the divergence needs batches and chunks of 1 or more")
    }
    let configuration = network.teacher.configuration
    if let other = windows.joined().first(where: {
      !(0..<configuration.vocabularySize).contains($0)
    }) {
      throw SearchError(
        "the windows hold the token \(other); the teacher has \(configuration.vocabularySize)")
    }
    self.network = network
    self.limits = limits
    let rows = windows.count * length
    let keepsLogarithms = rows * configuration.vocabularySize * 4 <= limits.teacherBytes
    keepsInputs =
      rows * configuration.width * network.dtype.byteCount * network.layerCount
      <= limits.prefixBytes
    let device = network.teacher.embedding.device
    batches = try withTorchErrors {
      withoutGradients {
        stride(from: 0, to: windows.count, by: limits.batchWindows).map { start in
          let part = Array(windows[start..<min(start + limits.batchWindows, windows.count)])
          let tokens = TokenBatch(part, device: device)
          let hidden = network.teacher(tokens).reshaped([
            part.count * length, configuration.width,
          ])
          return Batch(
            tokens: tokens, hidden: hidden,
            logarithms: keepsLogarithms
              ? Self.logarithms(network.teacher, hidden, limits.chunkRows) : nil)
        }
      }
    }
    let text = "\(weights) \(windows)"
    identity = "divergence/" + SHA256.text(Data(text.utf8)).prefix(32)
  }

  private static func logarithms(
    _ model: HybridModel, _ hidden: Tensor, _ chunkRows: Int
  ) -> Tensor {
    let parts = stride(from: 0, to: hidden.dim(0), by: chunkRows).map { start in
      let range = start..<min(start + chunkRows, hidden.dim(0))
      return model.logits(hidden.slice(range, dim: 0)).logSoftmax(dim: -1)
    }
    return Tensor.concatenate(parts, dim: 0)
  }

  /// One observation a window.
  ///
  /// - Throws: ``SearchError`` for a placement that does not fit, what libtorch reports.
  public func observations(of placement: Placement) throws -> [Double] {
    let model = try network.model(placement)
    let shared = zip(placement.choices, lastChoices).prefix { $0 == $1 }.count
    // Nothing is shared with a candidate that failed on the way.
    lastChoices = []
    var inputs: [[Tensor]] = []
    let parts = try withTorchErrors {
      withoutGradients {
        batches.enumerated().map { index, batch in
          let known = index < lastInputs.count ? Array(lastInputs[index].prefix(shared + 1)) : []
          let (hidden, own) = run(model, batch.tokens, from: known)
          if keepsInputs { inputs.append(own) }
          return divergences(model, hidden, batch)
        }
      }
    }
    if keepsInputs { (lastChoices, lastInputs) = (placement.choices, inputs) }
    return parts.flatMap { $0.array(of: Float.self) }.map { -Double($0) }
  }

  /// The outputs of the last layer, and the inputs of all layers; `known` are those of the first ones.
  private func run(
    _ model: HybridModel, _ tokens: TokenBatch, from known: [Tensor]
  ) -> (Tensor, [Tensor]) {
    let walk = LayerWalk(model, tokens)
    var inputs = known.isEmpty ? [walk.embedded] : known
    // Where all layers are shared, the last one runs again.
    inputs = Array(inputs.prefix(model.layers.count))
    var x = inputs[inputs.count - 1]
    for layer in inputs.count - 1..<model.layers.count {
      if layer > inputs.count - 1 { inputs.append(x) }
      x = walk.output(x, layer: layer)
      layersRun += 1
    }
    return (x, keepsInputs ? inputs : [])
  }

  /// The mean divergence of each window, `[B]`.
  private func divergences(_ model: HybridModel, _ hidden: Tensor, _ batch: Batch) -> Tensor {
    let rows = batch.hidden.dim(0)
    let flat = hidden.reshaped([rows, hidden.dim(-1)])
    let parts = stride(from: 0, to: rows, by: limits.chunkRows).map { start in
      let range = start..<min(start + limits.chunkRows, rows)
      let ours = model.logits(flat.slice(range, dim: 0)).logSoftmax(dim: -1)
      let theirs =
        batch.logarithms?.slice(range, dim: 0)
        ?? network.teacher.logits(batch.hidden.slice(range, dim: 0)).logSoftmax(dim: -1)
      return (exp(theirs) * (theirs - ours)).sum([-1])
    }
    return Tensor.concatenate(parts, dim: 0)
      .reshaped([batch.tokens.sequences, batch.tokens.length]).mean([1])
  }
}
