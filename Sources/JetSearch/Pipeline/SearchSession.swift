import Foundation
import JetCheckpoint
import JetEvaluation
import JetModels
import JetTensor
import JetText
import JetTraining

/// What all stages of a run work with.
final class SearchSession {
  let configuration: SearchConfiguration
  let folder: SearchFolder
  let journal: Journal
  let checkpoint: Checkpoint
  /// What is in whose hands.
  let claims: WorkClaims
  /// This process's place among those that work on the run.
  let place: Int
  let teacher: HybridModel
  let tokenizer: Tokenizer
  let endTokens: Set<Int>
  /// The training text; known after the first stage.
  var shards: [TokenShard] = []
  /// Held-out text, cut into sequences; known after the first stage.
  var validation: [[Int]] = []
  /// Told what happens.
  var report: (SearchProgress) -> Void = { _ in }
  /// Asked after each step and each candidate whether to end here.
  var shouldStop: () -> Bool = { false }

  init(
    _ configuration: SearchConfiguration, folder: SearchFolder, place: Int, checkpoint: Checkpoint
  ) throws {
    self.configuration = configuration
    self.folder = folder
    self.place = place
    self.checkpoint = checkpoint
    claims = try WorkClaims(folder)
    // Two processes that make the file at once would find it locked.
    journal = try claims.exclusively("journal") { try Journal(folder.journalFile) }
    tokenizer = try checkpoint.tokenizer()
    endTokens = try checkpoint.endTokens()
    teacher = try withTorchErrors {
      try checkpoint.model(dtype: configuration.numberType, device: configuration.runDevice)
    }
  }

  var dtype: DType { configuration.numberType }

  /// The teacher's attention, which linear mixers take their sizes from.
  var attention: AttentionConfiguration {
    get throws { try SearchPlan.attention(of: teacher.configuration) }
  }

  /// Tokens of a window of attention; nil where no layer has one.
  var window: Int? {
    get throws {
      try SearchPlan.window(configuration, teacher: teacher.configuration)
    }
  }

  /// The mixers of a placement with a linear mixer.
  func mixers(_ placement: Placement, linear: MixerConfiguration) throws -> [MixerConfiguration] {
    let window = try window
    return placement.choices.enumerated().map { layer, choice in
      let own = teacher.configuration.mixers[layer]
      switch (choice, own) {
      case (.linear, _): return linear
      case (.window, .attention(var attention)):
        attention.window = window
        return .attention(attention)
      default: return own
      }
    }
  }

  /// Ends the work where it was asked to.
  func continueOrStop() throws {
    if shouldStop() { throw SearchStopped(folder, place: place) }
  }

  // MARK: Units

  /// A value of a stage that is made once, by whichever process comes first: recorded before it is used, and found again
  /// ever after.
  func once<Value: Codable>(
    _ stage: SearchStage, _ name: String, as type: Value.Type = Value.self,
    _ make: () throws -> Value
  ) throws -> Value {
    guard let value = try once(stage, name, waits: true, make) else {
      throw SearchError("the journal lost '\(name)' of \(stage.title); check the disk")
    }
    return value
  }

  /// Values of a stage, each made once: this process takes those that nobody has in hand, and waits for the others.
  func all<Unit, Value: Codable>(
    _ stage: SearchStage, _ units: [Unit], name: (Unit) -> String, _ make: (Unit) throws -> Value
  ) throws -> [Value] {
    let wait = waiting(stage)
    return try WorkClaims.all(units, whileWaiting: { try wait(name($0)) }) { unit in
      try once(stage, name(unit), waits: false) { try make(unit) }
    }
  }

  /// What is done while another process has a unit in hand: it is told once in a while, and asked whether to end.
  func waiting(_ stage: SearchStage) -> (_ unit: String) throws -> Void {
    var told: ContinuousClock.Instant?
    return { [unowned self] unit in
      try continueOrStop()
      if let told, ContinuousClock.now - told < .seconds(120) { return }
      told = .now
      let process = claims.holder("\(stage.rawValue)/\(unit)").map { "process \($0)" }
      try begin(stage, "waiting for \(unit)")
      tell(stage, unit, "waiting for \(process ?? "another process"), which has it in hand")
    }
  }

  private func once<Value: Codable>(
    _ stage: SearchStage, _ name: String, waits: Bool, _ make: () throws -> Value
  ) throws -> Value? {
    func known() throws -> Value? {
      try journal.result(Value.self, stage: stage.rawValue, name: name)
    }
    let wait = waiting(stage)
    return try claims.perform(
      "\(stage.rawValue)/\(name)", waits: waits, known: known, whileWaiting: { try wait(name) }
    ) {
      try continueOrStop()
      try journal.record(make(), stage: stage.rawValue, name: name)
      // What comes out of the journal is what a resumed run will see.
      return try known()
    }
  }

  /// Says in the journal what is worked on.
  func begin(
    _ stage: SearchStage, _ unit: String, _ index: Int = 1, of count: Int = 1, training: URL? = nil
  ) throws {
    try journal.record(
      SearchActivity(
        stage: stage, unit: unit, index: index, count: count,
        training: training.map(folder.relative)), stage: "run",
      name: SearchActivity.name(place: place))
  }

  /// Tells what happens to the only unit of a stage.
  func tell(_ stage: SearchStage, _ unit: String, _ text: String) {
    tell(stage, unit, 1, of: 1, text)
  }

  /// Tells what happens.
  func tell(
    _ stage: SearchStage, _ unit: String, _ index: Int, of count: Int, _ text: String,
    secondsLeft: Double? = nil
  ) {
    report(
      SearchProgress(
        stage: stage, unit: unit, index: index, count: count, text: text, secondsLeft: secondsLeft,
        runSecondsLeft: nil))
  }

  /// Tells a step of a training run, with the time that all training still takes at its rate.
  func tell(
    _ stage: SearchStage, _ unit: String, _ index: Int, of count: Int, _ step: StepReport,
    phaseTokens: Int
  ) {
    let left = max(0, tokensLeft(after: stage, index, of: count) + phaseTokens - step.tokens)
    report(
      SearchProgress(
        stage: stage, unit: unit, index: index, count: count, text: step.line,
        secondsLeft: step.secondsLeft,
        runSecondsLeft: step.tokensPerSecond > 0 ? Double(left) / step.tokensPerSecond : nil))
  }

  /// Tokens that are trained on after the present unit.
  private func tokensLeft(after stage: SearchStage, _ index: Int, of count: Int) -> Int {
    let plan = SearchPlan.trainingTokens(configuration)
    let later = plan.filter { $0.key.number > stage.number }.reduce(0) { $0 + $1.value }
    return later + (plan[stage] ?? 0) * (count - index) / max(1, count)
  }
}

extension SearchConfiguration {
  var numberType: DType { dtype.resolved(device: device) == .bfloat16 ? .bfloat16 : .float32 }
  /// Validated before a session begins.
  var runDevice: Device { Device(name: device) ?? .cpu }
}
