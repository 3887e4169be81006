/// Stage 1: attention and a linear path side by side in each layer, trained once for all placements.
public struct SuperNetworkConfiguration: Codable, Hashable, Sendable {
  /// The kind of the linear path, as `layer_types` calls it.
  public var linear = "gated_deltanet"
  /// Each linear mixer learns its teacher's outputs alone.
  public var layers = TrainingBudget(tokens: 20_000_000, learningRate: 1e-3)
  /// Whole models of random placements learn the teacher's logits; 0 tokens leave it out.
  public var paths = TrainingBudget(tokens: 30_000_000, learningRate: 3e-4)
  /// In the training of paths, weight of the active mixers' distance from the teacher's.
  public var feature = 1.0
  /// In the training of paths, weight of the divergence from the teacher's logits.
  public var divergence = 1.0
  /// In the training of paths, weight of the loss on the next tokens.
  public var crossEntropy = 0.0
}

/// What a choice among trained candidates goes by.
///
/// The best by ``metric`` is found first. Every candidate whose paired difference from it is at most
/// ``withinStandardErrors`` times the difference's standard error is as good; of these ``then`` decides.
public struct SelectionRule: Codable, Hashable, Sendable {
  /// What is to be great.
  public var metric = Metric.guide
  /// How many standard errors apart count as equal; 0 takes the best.
  public var withinStandardErrors = 1.0
  /// What decides among equals.
  public var then = Tiebreak.throughput

  /// What candidates are compared by, item by item.
  public enum Metric: String, ConfigurationWord {
    /// The placement's guide objective.
    case guide
    /// The accuracy over all items of the evaluation's tasks.
    case meanAccuracy = "mean_accuracy"
    /// The loss on the validation texts.
    case perplexity
  }

  /// What decides among equals.
  public enum Tiebreak: String, ConfigurationWord {
    /// The best by the metric after all.
    case metric
    /// The most tokens generated in a second.
    case throughput
    /// The fewest numbers in parameters.
    case parameters
    /// The fewest bytes of state.
    case stateBytes = "state_bytes"
  }

  /// A rule.
  public init(
    metric: Metric = .guide, withinStandardErrors: Double = 1, then: Tiebreak = .throughput
  ) {
    self.metric = metric
    self.withinStandardErrors = withinStandardErrors
    self.then = then
  }
}

/// Stage 3: kinds of linear mixers, each trained in the chosen placement.
public struct BlocksConfiguration: Codable, Hashable, Sendable {
  /// Kinds, as `layer_types` calls them.
  public var candidates = ["gated_deltanet", "gla", "mamba2"]
  /// What each is trained on.
  public var training = TrainingBudget(tokens: 20_000_000, learningRate: 1e-3)
  /// What decides.
  public var rule = SelectionRule()
}

/// Stage 4: the JetBlock, as released and with single things changed, against the winner of stage 3.
public struct NewBlockConfiguration: Codable, Hashable, Sendable {
  /// Whether the JetBlock is tried at all.
  public var isTried = true
  /// Forms of it beside the released one.
  public var ablations: [Ablation] = []
  /// What each form is trained on.
  public var training = TrainingBudget(tokens: 20_000_000, learningRate: 1e-3)
  /// What decides, the winner of stage 3 among the candidates.
  public var rule = SelectionRule()

  /// A JetBlock with things changed; what is nil is as released.
  public struct Ablation: Codable, Hashable, Sendable {
    /// What it is called.
    public var name: String
    /// `dynamic` or `static` kernels of the convolution.
    public var kernels: Kernels?
    /// What passes the convolution: `values`, or `queries_keys_values`.
    public var convolved: Convolved?
    /// Channels of all values over the generator's inner width.
    public var generatorReduction: Int?
    /// Taps of the convolution.
    public var kernelSize: Int?

    /// Where kernels come from.
    public enum Kernels: String, ConfigurationWord {
      case dynamic
      case fixed = "static"
    }

    /// What is convolved.
    public enum Convolved: String, ConfigurationWord {
      case values
      case queriesKeysValues = "queries_keys_values"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case isTried = "tried"
    case ablations, training, rule
  }
}

/// Stage 5: heads and widths of the chosen block at a constant size of its memory.
public struct GridConfiguration: Codable, Hashable, Sendable {
  /// Rows that are tried; derived from ``heads`` and ``keyWidths`` when empty.
  public var rows: [Row] = []
  /// Numbers of heads of derived rows.
  public var heads: [Int] = []
  /// Widths of keys of derived rows; the value's width follows from the size of the memory.
  public var keyWidths: [Int] = []
  /// What each row is trained on.
  public var training = TrainingBudget(tokens: 20_000_000, learningRate: 1e-3)
  /// Tokens before those that are generated when throughput is measured.
  public var context = 4096
  /// Sequences side by side when throughput is measured.
  public var batch = 4
  /// What decides, the block as it was among the candidates.
  public var rule = SelectionRule()

  /// Heads and widths.
  public struct Row: Codable, Hashable, Sendable {
    /// Heads.
    public var heads: Int
    /// Channels of a key.
    public var keyWidth: Int
    /// Channels of a value.
    public var valueWidth: Int

    /// Numbers in a layer's memory.
    var elements: Int { heads * keyWidth * valueWidth }
    /// `12 x 96 x 256`: heads, key, value.
    var name: String { "\(heads)x\(keyWidth)x\(valueWidth)" }

    /// Checks each number alone.
    func validate(_ key: String) throws(SearchError) {
      for size in [heads, keyWidth, valueWidth] { try expect(key, size, from: 1, to: 1 << 16) }
    }
  }
}

/// Stage 6: the searched architecture and its uniform counterpart, each from the teacher anew.
public struct FinalConfiguration: Codable, Hashable, Sendable {
  /// The mixers learn the teacher's mixers.
  public var layers = TrainingBudget(tokens: 100_000_000, learningRate: 1e-3)
  /// All weights learn the teacher's logits and the next tokens; 0 tokens leave it out.
  public var allWeights = TrainingBudget(tokens: 100_000_000, learningRate: 1e-4)
  /// Weight of the divergence from the teacher.
  public var divergence = 1.0
  /// Weight of the loss on the next tokens.
  public var crossEntropy = 0.1
  /// Divides both models' logits in the divergence.
  public var temperature = 1.0
  /// Longer sequences from a part of the tokens of ``allWeights`` on, by ascending parts.
  public var lengths: [LengthPart] = []

  /// From a part of the tokens on, sequences of another length.
  public struct LengthPart: Codable, Hashable, Sendable {
    /// The part of the tokens that was read before.
    public var from: Double
    /// Tokens of a sequence.
    public var sequenceLength: Int
    /// Sequences of a batch.
    public var sequences: Int
  }
}

/// Stage 7: what teacher, uniform and searched model are measured by.
public struct EvaluationConfiguration: Codable, Hashable, Sendable {
  /// Tasks.
  public var tasks: [TaskReference] = []
  /// Text files whose perplexity is measured; the validation texts when empty.
  public var perplexity: [String] = []
  /// Folder of the built-in tasks' files.
  public var folder: String?
  /// Tokens of a batch, padding included.
  public var batchTokens = 4096
  /// Tokens that perplexity reads at once.
  public var window = 1024
  /// The most bytes of a text whose perplexity is measured, from its beginning.
  public var perplexityBytes = 1_000_000
  /// Contexts at which state and rates are measured, in tokens.
  public var contexts = [1024, 4096]
  /// Tokens that are generated to measure a rate.
  public var decodeTokens = 32
}
