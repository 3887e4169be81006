/// The bounds on what reading and rendering one chat template may cost.
///
/// Templates come with checkpoints and are not trusted: whatever they say, a render ends after
/// these bounds with ``ChatTemplateError/Kind/limitExceeded``.
public struct TemplateLimits: Sendable, Hashable {
  /// The longest source, in bytes of UTF-8.
  public var sourceBytes: Int
  /// The deepest nesting of blocks, expressions and values.
  public var nestingDepth: Int
  /// The deepest nesting of evaluations, calls of macros included.
  public var evaluationDepth: Int
  /// The most evaluation steps; handling an element of a list or 32 bytes of a string is one too.
  public var steps: Int
  /// The longest rendered text and the longest intermediate string, in bytes of UTF-8.
  public var outputBytes: Int
  /// The most bytes of strings, lists and scopes created by one render, freed ones included.
  public var createdBytes: Int

  /// Creates limits; each default suits conversations of several hundred thousand tokens.
  public init(
    sourceBytes: Int = 256 << 10, nestingDepth: Int = 80, evaluationDepth: Int = 300,
    steps: Int = 2_000_000, outputBytes: Int = 16 << 20, createdBytes: Int = 128 << 20
  ) {
    self.sourceBytes = sourceBytes
    self.nestingDepth = nestingDepth
    self.evaluationDepth = evaluationDepth
    self.steps = steps
    self.outputBytes = outputBytes
    self.createdBytes = createdBytes
  }

  /// The limits used where none are given.
  public static let `default` = TemplateLimits()
}
