import JetModels
import JetTensor
import JetTraining

/// What follows from a configuration and the teacher's shape alone: checks and counts, before anything is done.
enum SearchPlan {
  /// The attention that all layers of a teacher have.
  ///
  /// - Throws: ``SearchError`` for a teacher with other layers.
  static func attention(
    of teacher: ModelConfiguration
  ) throws(SearchError) -> AttentionConfiguration {
    guard case .attention(let attention)? = teacher.mixers.first,
      teacher.mixers.allSatisfy({ $0 == .attention(attention) }), attention.window == nil
    else {
      throw SearchError(
        "the teacher has layers of the kinds \(Set(teacher.mixers.map(\.kind)).sorted()); PostNAS begins "
          + "from full attention that is alike in all layers")
    }
    return attention
  }

  /// Tokens of a window: as given, or as many as make its keys and values as large as the linear layer's memory.
  static func window(
    _ configuration: SearchConfiguration, teacher: ModelConfiguration
  ) throws -> Int? {
    guard let windows = configuration.placement.windows else { return nil }
    if let size = windows.size { return size }
    let attention = try attention(of: teacher)
    let linear = try linear(configuration.superNetwork.linear, teacher)
    guard let sizes = linear.linear?.stateSizes else { return nil }
    // Memories are float32.
    let memory = sizes.heads * sizes.keyWidth * sizes.valueWidth * 4
    let token =
      2 * attention.keyValueHeads * attention.headWidth * configuration.numberType.byteCount
    return max(1, memory / token)
  }

  /// A linear mixer of a kind with the sizes of the teacher's attention.
  static func linear(_ kind: String, _ teacher: ModelConfiguration) throws -> MixerConfiguration {
    try .linear(kind: kind, like: attention(of: teacher), width: teacher.width)
  }

  /// Tokens that each stage trains on.
  static func trainingTokens(_ configuration: SearchConfiguration) -> [SearchStage: Int] {
    let own = configuration
    let forms = own.newBlock.isTried ? 1 + own.newBlock.ablations.count : 0
    return [
      .superNetwork: own.superNetwork.layers.tokens + own.superNetwork.paths.tokens,
      .blocks: own.blocks.candidates.count * own.blocks.training.tokens,
      .newBlock: forms * own.newBlock.training.tokens,
      .grid: gridRowCount(own) * own.grid.training.tokens,
      .final: own.final.layers.tokens + 2 * own.final.allWeights.tokens,
    ]
  }

  /// Rows of the grid at most: which of the derived ones exist depends on the block.
  private static func gridRowCount(_ configuration: SearchConfiguration) -> Int {
    configuration.grid.rows.isEmpty
      ? configuration.grid.heads.count * configuration.grid.keyWidths.count
      : configuration.grid.rows.count
  }

  /// Checks a configuration against the teacher.
  ///
  /// - Throws: ``SearchError`` with the key and what to give.
  static func check(_ configuration: SearchConfiguration, teacher: ModelConfiguration) throws {
    _ = try attention(of: teacher)
    let count = teacher.mixers.count
    let placement = configuration.placement
    let windows = placement.windows?.layers ?? 0
    if let size = placement.sizes.max(), size + windows >= count {
      throw SearchError(
        "'placement.sizes' asks for \(size) layers of full attention\(windows > 0 ? " and \(windows) of windows" : "") "
          + "in a teacher of \(count) layers; leave one linear at least")
    }
    if placement.strategies.contains(.exhaustive),
      let size = placement.sizes.first(where: {
        combinations(count, $0) > Double(placement.exhaustiveLimit)
      })
    {
      throw SearchError(
        "an exhaustive search of \(size) among \(count) layers scores "
          + "\(Int(min(1e15, combinations(count, size)))) placements; raise 'placement.exhaustive_limit' "
          + "above \(placement.exhaustiveLimit) or leave the strategy out")
    }
    for kind in [configuration.superNetwork.linear] + configuration.blocks.candidates {
      try checkMixer(kind, linear(kind, teacher), teacher)
    }
    let jet = try linear(JetBlockConfiguration.kind, teacher)
    for ablation in configuration.newBlock.ablations {
      try checkMixer(ablation.name, changed(jet, ablation), teacher)
    }
    let longest =
      ([configuration.data.sequenceLength] + configuration.final.lengths.map(\.sequenceLength))
      .max() ?? 1
    guard longest <= teacher.maximumPositions else {
      throw SearchError(
        "sequences of \(longest) tokens are longer than the teacher's \(teacher.maximumPositions) "
          + "positions; shorten 'data.sequence_length' and 'final.lengths'")
    }
  }

  /// Whether the released code can build hybrids of a teacher: it has no norms of queries and keys and heads of one width.
  ///
  /// - Throws: ``SearchError`` for a teacher with other layers than attention.
  static func releasedCodeKnows(_ teacher: ModelConfiguration) throws -> Bool {
    let attention = try attention(of: teacher)
    return !attention.normalizesQueriesAndKeys
      && attention.headWidth == teacher.width / attention.heads
  }

  /// A JetBlock with an ablation's changes.
  static func changed(
    _ mixer: MixerConfiguration, _ ablation: NewBlockConfiguration.Ablation
  ) -> MixerConfiguration {
    guard case .jet(var jet) = mixer else { return mixer }
    if let kernels = ablation.kernels { jet.kernels = kernels == .fixed ? .fixed : .dynamic }
    if let convolved = ablation.convolved {
      jet.convolved = convolved == .values ? .values : .queriesKeysAndValues
    }
    if let reduction = ablation.generatorReduction { jet.generatorReduction = reduction }
    if let size = ablation.kernelSize { jet.kernelSize = size }
    return .jet(jet)
  }

  private static func checkMixer(
    _ name: String, _ mixer: MixerConfiguration, _ teacher: ModelConfiguration
  ) throws {
    var model = teacher
    model.mixers = teacher.mixers.map { _ in mixer }
    do {
      try model.validate()
    } catch let error as ModelError {
      throw SearchError("the block \(name) cannot be built: \(error.description)")
    }
  }

  /// How many sets of `chosen` there are among `count`.
  static func combinations(_ count: Int, _ chosen: Int) -> Double {
    (0..<min(chosen, count)).reduce(1.0) { $0 * Double(count - $1) / Double($1 + 1) }
  }
}
