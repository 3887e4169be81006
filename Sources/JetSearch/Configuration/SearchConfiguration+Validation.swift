import Foundation
import JetModels
import JetTraining

extension SearchConfiguration {
  /// Checks what needs neither a model nor a file.
  ///
  /// - Throws: ``SearchError`` naming the key, what it is and what to give.
  func validate() throws(SearchError) {
    try validateData()
    try validatePlacement()
    try validateBlocks()
    try budget("final.layers", final.layers)
    try budget("final.all_weights", final.allWeights, least: 0)
    guard final.divergence >= 0, final.crossEntropy >= 0, final.divergence + final.crossEntropy > 0
    else {
      throw SearchError(
        "'final.divergence' and 'final.cross_entropy' are \(final.divergence) and "
          + "\(final.crossEntropy); give 0 or more, and not 0 for both")
    }
    try expect("final.temperature", final.temperature, in: 0.01...100)
    var last = 0.0
    for (index, part) in final.lengths.enumerated() {
      let key = "final.lengths[\(index)]"
      guard part.from > last, part.from < 1 else {
        throw SearchError(
          "'\(key).from' is \(part.from); give parts between 0 and 1 that ascend")
      }
      last = part.from
      try batch(key, length: part.sequenceLength, sequences: part.sequences)
    }
    try validateEvaluation()
  }

  private func validateData() throws(SearchError) {
    guard !data.train.isEmpty else {
      throw SearchError("'data.train' names no file; give texts to train on")
    }
    guard !data.validation.isEmpty else {
      throw SearchError("'data.validation' names no file; give a text that is not trained on")
    }
    if let both = data.validation.first(where: data.train.contains) {
      throw SearchError(
        "\(both) is in both 'data.train' and 'data.validation'; validate on a text of its own")
    }
    try batch("data", length: data.sequenceLength, sequences: data.sequences, shortest: 8)
    try expect("data.accumulation", data.accumulation, from: 1)
    try expect("data.validation_sequences", data.validationSequences, from: 1)
    try expect("threads", threads ?? 1, from: 1, to: 1024)
    try expect("training.warm_up", training.warmUp, in: 0...1)
    try expect("training.decay", training.decay, in: 0...1)
    try expect("training.weight_decay", training.weightDecay, in: 0...1)
    try expect("training.maximum_norm", training.maximumNorm, in: 0...1e6)
    try expect("training.checkpoint_tokens", training.checkpointTokens, from: 1, to: 1 << 40)
    try expect("training.report_tokens", training.reportTokens, from: 1, to: 1 << 40)
    try expect("training.calibration_tokens", training.calibrationTokens, from: 0)
    try expect("training.layer_parts", training.layerParts, from: 1, to: 1024)
    try Self.kind("super_network.linear", superNetwork.linear)
    try budget("super_network.layers", superNetwork.layers)
    try budget("super_network.paths", superNetwork.paths, least: 0)
    let own = superNetwork
    guard own.feature >= 0, own.divergence >= 0, own.crossEntropy >= 0,
      own.feature + own.divergence + own.crossEntropy > 0
    else {
      throw SearchError(
        "'super_network.feature', 'divergence' and 'cross_entropy' are \(own.feature), "
          + "\(own.divergence) and \(own.crossEntropy); give 0 or more, and not 0 for all")
    }
  }

  private func validatePlacement() throws(SearchError) {
    let names = placement.objectives.map(\.name)
    guard Set(names).count == names.count, !names.isEmpty, !names.contains("") else {
      throw SearchError(
        "'placement.objectives' have the names \(names); give one objective at least, each with a "
          + "name of its own")
    }
    func known(_ key: String, _ name: String) throws(SearchError) {
      guard names.contains(name) else {
        throw SearchError(
          "'\(key)' is \(name), which is no objective; give one of \(names.joined(separator: ", "))"
        )
      }
    }
    try known("placement.guide", placement.guide)
    for (index, objective) in placement.objectives.enumerated() {
      try validate(objective, "placement.objectives[\(index)]")
    }
    guard placement.sizes.contains(placement.size) else {
      throw SearchError(
        "'placement.size' is \(placement.size), which is not among 'placement.sizes' "
          + "\(placement.sizes); add it there or choose one of them")
    }
    for size in placement.sizes { try expect("placement.sizes", size, from: 1) }
    guard Set(placement.sizes).count == placement.sizes.count else {
      throw SearchError("'placement.sizes' names a size twice; give each once")
    }
    guard placement.strategies.contains(placement.strategy) else {
      throw SearchError(
        "'placement.strategy' is \(placement.strategy.rawValue), which is not among "
          + "'placement.strategies'; add it there or choose one of them")
    }
    guard Set(placement.strategies).count == placement.strategies.count else {
      throw SearchError("'placement.strategies' names a strategy twice; give each once")
    }
    try expect("placement.beam_width", placement.beamWidth, from: 1)
    try expect("placement.exhaustive_limit", placement.exhaustiveLimit, from: 1, to: 1 << 40)
    try budget("placement.gates", placement.gates)
    if let windows = placement.windows {
      try expect("placement.windows.layers", windows.layers, from: 1)
      try expect("placement.windows.size", windows.size ?? 1, from: 1)
      try known("placement.windows.objective", windows.objective)
    }
  }

  private func validate(_ objective: ObjectiveConfiguration, _ key: String) throws(SearchError) {
    switch objective.kind {
    case .divergence:
      guard objective.task == nil, objective.metric == nil else {
        throw SearchError(
          "'\(key)' is a divergence with 'task' or 'metric'; remove them or make its kind task")
      }
      try expect("\(key).sequences", objective.sequences, from: 1)
      try expect("\(key).length", objective.length ?? 8, from: 8)
    case .task:
      guard let task = objective.task else {
        throw SearchError("'\(key).task' is missing; name the task, as in 'task: {task: recall}'")
      }
      try task.validate("\(key).task")
      guard objective.length == nil else {
        throw SearchError("'\(key).length' belongs to a divergence; give 'task.lengths'")
      }
    }
  }

  private func validateBlocks() throws(SearchError) {
    guard !blocks.candidates.isEmpty, Set(blocks.candidates).count == blocks.candidates.count else {
      throw SearchError(
        "'blocks.candidates' is \(blocks.candidates); give one kind at least, each once")
    }
    for kind in blocks.candidates { try Self.kind("blocks.candidates", kind) }
    try budget("blocks.training", blocks.training)
    try budget("new_block.training", newBlock.training)
    try budget("grid.training", grid.training)
    let names = newBlock.ablations.map(\.name)
    guard Set(names).count == names.count, !names.contains("jet") else {
      throw SearchError(
        "'new_block.ablations' have the names \(names); give each one of its own, and none 'jet'")
    }
    for ablation in newBlock.ablations {
      try expect("new_block.ablations.kernel_size", ablation.kernelSize ?? 1, from: 1)
      try expect(
        "new_block.ablations.generator_reduction", ablation.generatorReduction ?? 1, from: 1)
    }
    for (index, row) in grid.rows.enumerated() {
      try row.validate("grid.rows[\(index)]")
    }
    if let other = grid.rows.first(where: { $0.elements != grid.rows[0].elements }) {
      throw SearchError(
        "'grid.rows' have memories of \(grid.rows[0].elements) and \(other.elements) numbers; a grid "
          + "keeps heads times key width times value width constant")
    }
    guard grid.rows.isEmpty || (grid.heads.isEmpty && grid.keyWidths.isEmpty) else {
      throw SearchError(
        "'grid.rows' and 'grid.heads' are both given; give rows, or what they are derived from")
    }
    for count in grid.heads + grid.keyWidths {
      try expect("grid.heads and key_widths", count, from: 1, to: 1 << 16)
    }
    try expect("grid.context", grid.context, from: 1)
    try expect("grid.batch", grid.batch, from: 1, to: 1 << 16)
    for (key, rule) in [("blocks", blocks.rule), ("new_block", newBlock.rule), ("grid", grid.rule)]
    {
      try expect("\(key).rule.within_standard_errors", rule.withinStandardErrors, in: 0...100)
      guard rule.metric != .meanAccuracy || !evaluation.tasks.isEmpty else {
        throw SearchError(
          "'\(key).rule.metric' is mean_accuracy, but 'evaluation.tasks' is empty; give tasks or "
            + "another metric")
      }
    }
  }

  private func validateEvaluation() throws(SearchError) {
    for (index, task) in evaluation.tasks.enumerated() {
      try task.validate("evaluation.tasks[\(index)]")
    }
    try expect("evaluation.batch_tokens", evaluation.batchTokens, from: 1)
    try expect("evaluation.window", evaluation.window, from: 1)
    try expect("evaluation.perplexity_bytes", evaluation.perplexityBytes, from: 1, to: 1 << 40)
    try expect("evaluation.decode_tokens", evaluation.decodeTokens, from: 1)
    for context in evaluation.contexts { try expect("evaluation.contexts", context, from: 1) }
  }

  private func batch(
    _ key: String, length: Int, sequences: Int, shortest: Int = 1
  ) throws(SearchError) {
    try expect("\(key).sequence_length", length, from: shortest)
    try expect("\(key).sequences", sequences, from: 1)
    try expect("\(key).sequence_length * sequences", length * sequences, from: 1, to: 1 << 30)
  }

  private func budget(
    _ key: String, _ budget: TrainingBudget, least: Int = 1
  ) throws(SearchError) {
    try expect("\(key).tokens", budget.tokens, from: least, to: 1 << 40)
    try expect("\(key).learning_rate", budget.learningRate, in: 1e-9...9.99)
  }

  /// Refuses what is no linear mixer.
  static func kind(_ key: String, _ kind: String) throws(SearchError) {
    guard MixerConfiguration.linearKinds.contains(kind) else {
      throw SearchError(
        "'\(key)' is \(kind), which is no linear mixer; give one of \(MixerConfiguration.linearKinds.joined(separator: ", "))"
      )
    }
  }
}
