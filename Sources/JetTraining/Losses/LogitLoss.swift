public import JetModels
public import JetTensor

/// The loss on a model's logits: cross-entropy with the next tokens and divergence from a teacher, weighted.
///
/// Float32 logits exist for a chunk of rows at a time: each chunk runs norm and head forward and backward, and leaves
/// only its part of the gradient of the hidden states.
public struct LogitLoss: Codable, Hashable, Sendable {
  /// Weight of `−log p(next token)`, a mean over the tokens that have a target.
  public var crossEntropy: Double
  /// Weight of `KL(teacher ‖ student)`, a mean over all tokens.
  public var divergence: Double
  /// Divides the logits of both in the divergence, which is multiplied by its square.
  public var temperature: Double
  /// How many of the teacher's likeliest tokens the divergence tells apart, all others being one; nil for the whole
  /// vocabulary, as any number from its size on.
  ///
  /// With `I` the tokens, `p` the teacher, `q` the student and `p_r = Σ_{j∉I} p_j`, `q_r` likewise:
  /// `KL_k = Σ_{i∈I} p_i log(p_i/q_i) + p_r log(p_r/q_r)`, at most the whole divergence.
  public var topK: Int?
  /// Rows whose logits are in memory at once.
  public var chunkRows: Int

  /// A loss with all its values.
  public init(
    crossEntropy: Double, divergence: Double, temperature: Double = 1, topK: Int? = nil,
    chunkRows: Int = 512
  ) {
    self.crossEntropy = crossEntropy
    self.divergence = divergence
    self.temperature = temperature
    self.topK = topK
    self.chunkRows = chunkRows
  }

  /// Checks that training can have these values.
  public func validate() throws(TrainingError) {
    guard crossEntropy >= 0, divergence >= 0, crossEntropy + divergence > 0 else {
      throw TrainingError("the weights of the logit loss must be 0 or more and not both 0")
    }
    guard temperature > 0, chunkRows >= 1 else {
      throw TrainingError("the logit loss needs a temperature above 0 and chunks of 1 row or more")
    }
    guard topK.map({ $0 >= 1 }) ?? true else {
      throw TrainingError(
        "the divergence is to tell \(topK ?? 0) tokens apart; expected 1 or more, or none for all")
    }
  }

  /// What ``callAsFunction(_:of:targets:teacher:scale:by:)`` gives.
  public struct Result {
    /// Means: `crossEntropy`, `divergence` where it has a weight, and their weighted sum `loss`.
    public var losses: [String: Tensor]
    /// The gradient of the hidden states, of their shape and type.
    public var hidden: Tensor
    /// The gradients of the tensors asked for.
    public var others: [Tensor?]
  }

  /// The loss of hidden states and its gradients.
  ///
  /// - Parameters:
  ///   - hidden: outputs of the last layer, `[B, T, D]`; its graph is not walked.
  ///   - model: whose norm and head give the logits.
  ///   - targets: int64 `[B, T]`, -1 for none.
  ///   - teacher: the model to follow and its own hidden states `[B, T, D']`; needed where ``divergence`` has a weight.
  ///   - scale: multiplies the gradients.
  ///   - others: tensors of norm and head whose gradients are wanted.
  public func callAsFunction(
    _ hidden: Tensor, of model: HybridModel, targets: Tensor,
    teacher: (model: HybridModel, hidden: Tensor)? = nil, scale: Double = 1,
    by others: [Tensor] = []
  ) -> Result {
    let rowCount = targets.count
    let flat = hidden.detached().reshaped([rowCount, hidden.dim(-1)])
    let flatTargets = targets.reshaped([rowCount])
    let flatTeacher = teacher.map { $0.hidden.detached().reshaped([rowCount, $0.hidden.dim(-1)]) }
    let known = (flatTargets .>= 0).to(.float32)
    let knownCount = maximum(known.sum(), Tensor.ones([], device: known.device))
    let zero = Tensor.zeros([], device: hidden.device)
    var (entropySum, divergenceSum) = (zero, zero)
    var hiddenParts: [Tensor] = []
    let sums = GradientSums(count: others.count)
    for start in stride(from: 0, to: rowCount, by: chunkRows) {
      let range = start..<min(start + chunkRows, rowCount)
      func part(_ x: Tensor) -> Tensor { x.slice(range, dim: 0) }
      let rows = part(flat).clone().requiringGradient()
      let logits = model.logits(rows)
      var loss = zero
      if crossEntropy > 0 {
        let entropy = entropyOfRows(logits, part(flatTargets), part(known)) / knownCount
        loss = loss + entropy * crossEntropy
        entropySum = entropySum + entropy.detached()
      }
      if divergence > 0, let teacher, let flatTeacher {
        let wanted = withoutGradients { teacher.model.logits(part(flatTeacher)) }
        let apart = divergenceOfRows(logits, wanted) / Double(rowCount)
        loss = loss + apart * divergence
        divergenceSum = divergenceSum + apart.detached()
      }
      let found = gradients(of: [loss * scale], by: [rows] + others)
      hiddenParts.append(found[0] ?? Tensor.zeros(rows.shape, dtype: rows.dtype))
      sums.add(Array(found.dropFirst()), at: Array(others.indices))
    }
    var losses = ["loss": entropySum * crossEntropy + divergenceSum * divergence]
    if crossEntropy > 0 { losses["crossEntropy"] = entropySum }
    if divergence > 0 { losses["divergence"] = divergenceSum }
    return Result(
      losses: losses,
      hidden: Tensor.concatenate(hiddenParts, dim: 0).reshaped(hidden.shape), others: sums.sums)
  }

  private func entropyOfRows(_ logits: Tensor, _ targets: Tensor, _ known: Tensor) -> Tensor {
    let places = targets.clamped(min: 0).to(.int64).unsqueezed(-1)
    let right = logits.logSoftmax(dim: -1).gathered(places, dim: -1).squeezed(-1)
    return -(right * known).sum()
  }

  private func divergenceOfRows(_ logits: Tensor, _ wanted: Tensor) -> Tensor {
    let ours = (logits / temperature).logSoftmax(dim: -1)
    let theirs = (wanted / temperature).logSoftmax(dim: -1)
    let squared = temperature * temperature
    guard let topK, topK < ours.dim(-1) else {
      return (exp(theirs) * (theirs - ours)).sum() * squared
    }
    let places = theirs.top(topK).indices
    let top = (ours: ours.gathered(places, dim: -1), theirs: theirs.gathered(places, dim: -1))
    // The rest is summed from its own terms: one less the top's would lose it where it is small.
    let others = Tensor.ones(theirs.shape, device: theirs.device)
    let rows = Tensor.range(0, to: theirs.dim(0), device: theirs.device).unsqueezed(-1)
    others.assign(Tensor.zeros([], device: theirs.device), at: [rows, places])
    let tiny = Tensor.full([], 1e-30, device: theirs.device)
    let rest = (
      ours: maximum((exp(ours) * others).sum([-1]), tiny),
      theirs: maximum((exp(theirs) * others).sum([-1]), tiny)
    )
    let apart = (exp(top.theirs) * (top.theirs - top.ours)).sum()
    return (apart + (rest.theirs * (log(rest.theirs) - log(rest.ours))).sum()) * squared
  }
}
