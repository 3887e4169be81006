public import Foundation

/// All that the report of a PostNAS run says, apart from how it is drawn.
///
/// Everything but the title may be missing: a run in progress has a report too.
public struct ReportContent: Codable, Hashable, Sendable {
  /// The heading.
  public var title: String
  /// The name of the model that was converted.
  public var teacher: String
  /// The machine in words: processor or card, cores, memory.
  public var machine: String
  /// The day, as it is to be printed.
  public var date: String
  /// The version of Jet.
  public var jetVersion: String
  /// The sizes of the teacher.
  public var teacherShape: TeacherShape?
  /// The resolved configuration of the run, as text.
  public var configuration: String
  /// How much each layer matters, by objective.
  public var importance: [LayerImportance]
  /// What the strategies found.
  public var placements: [PlacementRow]
  /// The placement that the search went on with: a letter a layer.
  public var chosenPlacement: String?
  /// The block that stands in the linear layers of ``ReportContent/chosenPlacement``.
  public var chosenBlock: String?
  /// The linear blocks that were compared.
  public var blocks: [BlockRow]
  /// Changes of the chosen block that were compared.
  public var ablations: [BlockRow]
  /// The sizes of the chosen block that were compared.
  public var grid: [GridRow]
  /// The model step by step, from the first to the last.
  public var gains: [GainStep]
  /// Losses of all training.
  public var losses: [LossCurve]
  /// The final comparison.
  public var comparison: [ModelRow]
  /// The tokens at which the bytes of ``ReportContent/comparison`` are counted.
  public var comparisonContext: Int?
  /// Rates and bytes against the context.
  public var contexts: [ContextCurve]
  /// What each stage cost.
  public var costs: [StageCost]
  /// Sentences on what the budget of the run cannot show.
  public var notes: [String]
  /// Parts that the run has not come to yet.
  public var missing: [String]

  /// All values; what is not known yet is left out.
  public init(
    title: String, teacher: String = "", machine: String = "", date: String = "",
    jetVersion: String = "", teacherShape: TeacherShape? = nil, configuration: String = "",
    importance: [LayerImportance] = [], placements: [PlacementRow] = [],
    chosenPlacement: String? = nil, chosenBlock: String? = nil, blocks: [BlockRow] = [],
    ablations: [BlockRow] = [],
    grid: [GridRow] = [], gains: [GainStep] = [], losses: [LossCurve] = [],
    comparison: [ModelRow] = [], comparisonContext: Int? = nil, contexts: [ContextCurve] = [],
    costs: [StageCost] = [], notes: [String] = [], missing: [String] = []
  ) {
    self.title = title
    self.teacher = teacher
    self.machine = machine
    self.date = date
    self.jetVersion = jetVersion
    self.teacherShape = teacherShape
    self.configuration = configuration
    self.importance = importance
    self.placements = placements
    self.chosenPlacement = chosenPlacement
    self.chosenBlock = chosenBlock
    self.blocks = blocks
    self.ablations = ablations
    self.grid = grid
    self.gains = gains
    self.losses = losses
    self.comparison = comparison
    self.comparisonContext = comparisonContext
    self.contexts = contexts
    self.costs = costs
    self.notes = notes
    self.missing = missing
  }

  /// The content of a file that ``json()`` wrote.
  ///
  /// - Throws: `DecodingError` when the bytes are another text.
  public init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(Self.self, from: json)
  }

  /// The content as JSON with sorted keys; numbers that are not finite are the strings `nan`, `inf` and `-inf`.
  ///
  /// - Throws: what the encoder throws.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self)
  }
}
