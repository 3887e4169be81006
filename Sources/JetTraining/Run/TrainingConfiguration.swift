/// How long the sequences are from a step on.
public struct LengthStage: Codable, Hashable, Sendable {
  /// The first step, from 0.
  public var step: Int
  /// Tokens of a sequence.
  public var length: Int
  /// Sequences of a batch.
  public var sequences: Int

  /// A stage with all its values.
  public init(step: Int = 0, length: Int, sequences: Int) {
    self.step = step
    self.length = length
    self.sequences = sequences
  }
}

/// How a run trains: all that its numbers depend on beside model, data and objective.
public struct TrainingConfiguration: RunConfiguration {
  /// Steps of the optimizer.
  public var steps: Int
  /// Lengths and batches, by ascending steps, the first from step 0.
  public var stages: [LengthStage]
  /// Batches whose gradients are summed to a step.
  public var accumulation: Int
  /// The optimizer.
  public var optimizer: AdamWConfiguration
  /// The learning rate over the steps.
  public var schedule: Schedule
  /// What is trained.
  public var rules: [ParameterRule]
  /// Decides the order of the data.
  public var dataSeed: UInt64
  /// Steps in a row whose gradients are not finite after which the run ends.
  public var maximumSkips: Int
  /// Steps from one line of the report to the next.
  public var reportInterval: Int
  /// Steps from one checkpoint to the next.
  public var checkpointInterval: Int
  /// Checkpoints that are kept, the newest.
  public var keptCheckpoints: Int

  /// A configuration with all its values.
  public init(
    steps: Int = 1000, stages: [LengthStage] = [LengthStage(length: 512, sequences: 8)],
    accumulation: Int = 1, optimizer: AdamWConfiguration = AdamWConfiguration(),
    schedule: Schedule = Schedule(), rules: [ParameterRule] = ParameterRule.mixersOnly,
    dataSeed: UInt64 = 0, maximumSkips: Int = 5, reportInterval: Int = 10,
    checkpointInterval: Int = 200, keptCheckpoints: Int = 2
  ) {
    self.steps = steps
    self.stages = stages
    self.accumulation = accumulation
    self.optimizer = optimizer
    self.schedule = schedule
    self.rules = rules
    self.dataSeed = dataSeed
    self.maximumSkips = maximumSkips
    self.reportInterval = reportInterval
    self.checkpointInterval = checkpointInterval
    self.keptCheckpoints = keptCheckpoints
  }

  /// The stage of a step.
  public func stage(at step: Int) -> LengthStage {
    stages.last { $0.step <= step } ?? stages[0]
  }

  /// Tokens that the run reads.
  public var tokenCount: Int {
    zip(stages, stages.dropFirst().map(\.step) + [steps]).reduce(0) { sum, pair in
      let (stage, end) = pair
      let count = max(0, min(end, steps) - stage.step)
      return sum + count * stage.length * stage.sequences * accumulation
    }
  }

  /// The longest sequence, and so the best length of the data's blocks.
  public var maximumLength: Int { stages.map(\.length).max() ?? 1 }

  /// Checks that a run can have these values.
  public func validate() throws {
    func expect(_ name: String, _ value: Int, from least: Int) throws(TrainingError) {
      guard value >= least else {
        throw TrainingError("\(name) is \(value); expected \(least) or more")
      }
    }
    try expect("the number of steps", steps, from: 1)
    try expect("accumulation", accumulation, from: 1)
    try expect("the limit on skipped steps", maximumSkips, from: 1)
    try expect("the report's interval", reportInterval, from: 1)
    try expect("the checkpoints' interval", checkpointInterval, from: 1)
    try expect("the number of kept checkpoints", keptCheckpoints, from: 1)
    guard let first = stages.first, first.step == 0 else {
      throw TrainingError("the first stage of lengths must begin at step 0")
    }
    for stage in stages {
      try expect("a stage's length", stage.length, from: 1)
      try expect("a stage's number of sequences", stage.sequences, from: 1)
    }
    for (earlier, later) in zip(stages, stages.dropFirst()) where earlier.step >= later.step {
      throw TrainingError(
        "the stage of step \(later.step) comes after that of \(earlier.step); order them by step")
    }
    try optimizer.validate()
    try schedule.validate()
  }
}
