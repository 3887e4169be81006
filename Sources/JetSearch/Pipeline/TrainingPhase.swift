import Foundation
import JetModels
public import JetTraining

/// A part of a training job: what is made small, over which parameters, for how long.
public struct TrainingPhase: Codable, Hashable, Sendable {
  /// What is made small.
  public enum Loss: Codable, Hashable, Sendable {
    /// Each mixer's distance from the teacher's.
    case layers
    /// The logits' loss, through the whole model.
    case logits(LogitLoss)
  }

  /// The name of its folder.
  public var name: String
  /// What is made small.
  public var loss: Loss
  /// Steps, batches, rates and rules.
  public var configuration: TrainingConfiguration

  /// A phase with all its values.
  public init(name: String, loss: Loss, configuration: TrainingConfiguration) {
    self.name = name
    self.loss = loss
    self.configuration = configuration
  }

  func objective(
    teacher: HybridModel, student: HybridModel, parameters: TrainedParameters, recomputes: Bool
  ) throws -> any Objective {
    switch loss {
    case .layers:
      return try LayerDistillation(teacher: teacher, student: student, parameters: parameters)
    case .logits(let loss):
      return try ModelTraining(
        student: student, teacher: loss.divergence > 0 ? teacher : nil, loss: loss,
        parameters: parameters, recomputes: recomputes)
    }
  }

  /// Floating-point operations, estimated: forward once for the teacher; of the student the gradients cost twice the
  /// forward pass, and where layers run again that is one pass more.
  func operations(
    teacher: ModelConfiguration, student: ModelConfiguration, recomputes: Bool
  ) -> Double {
    let stages = configuration.stages
    let ends = stages.dropFirst().map(\.step) + [configuration.steps]
    return zip(stages, ends).reduce(0) { sum, pair in
      let (stage, end) = pair
      let steps = Double(max(0, min(end, configuration.steps) - stage.step))
      let sequences = steps * Double(stage.sequences * configuration.accumulation)
      func forward(_ model: ModelConfiguration) -> Double {
        model.prefillOperations(tokens: stage.length, past: 0)
          + 2 * Double(stage.length - 1) * Double(model.vocabularySize * model.width)
      }
      switch loss {
      case .layers:
        // The teacher as far as the last layer that learns, and the mixers that do.
        let new = student.mixers.indices.filter { student.mixers[$0] != teacher.mixers[$0] }
        var (read, bare) = (teacher, student)
        read.mixers = Array(teacher.mixers.prefix((new.last ?? -1) + 1))
        bare.mlpWidth = 0
        bare.mixers = new.map { student.mixers[$0] }
        func mixers(_ model: ModelConfiguration) -> Double {
          model.prefillOperations(tokens: stage.length, past: 0)
        }
        return sum + sequences * (mixers(read) + 3 * mixers(bare))
      case .logits(let loss):
        let read = loss.divergence > 0 ? forward(teacher) : 0
        return sum + sequences * (read + (recomputes ? 4 : 3) * forward(student))
      }
    }
  }
}

extension SearchConfiguration {
  /// Steps, batches and rates of some tokens.
  ///
  /// The number of steps is the tokens over those of a step, rounded up; warm-up, decay and intervals are parts of it.
  func training(
    _ budget: TrainingBudget, rules: [ParameterRule], lengths: [FinalConfiguration.LengthPart] = []
  ) -> TrainingConfiguration {
    func steps(_ tokens: Int, _ own: Int) -> Int { max(1, (tokens + own - 1) / own) }
    var stages = [LengthStage(length: data.sequenceLength, sequences: data.sequences)]
    var count = 0
    let bounds = [0.0] + lengths.map(\.from) + [1.0]
    for index in 0..<bounds.count - 1 {
      if index > 0 {
        let part = lengths[index - 1]
        stages.append(
          LengthStage(step: count, length: part.sequenceLength, sequences: part.sequences))
      }
      let stage = stages[index]
      let tokens = Int((Double(budget.tokens) * (bounds[index + 1] - bounds[index])).rounded())
      count += steps(tokens, stage.length * stage.sequences * data.accumulation)
    }
    let own = data.stepTokens
    func part(_ fraction: Double) -> Int { Int((fraction * Double(count)).rounded()) }
    return TrainingConfiguration(
      steps: count, stages: stages, accumulation: data.accumulation,
      optimizer: AdamWConfiguration(
        learningRate: budget.learningRate, weightDecay: training.weightDecay,
        maximumNorm: training.maximumNorm),
      schedule: Schedule(warmupSteps: part(training.warmUp), decaySteps: part(training.decay)),
      rules: rules, dataSeed: seed,
      reportInterval: max(1, training.reportTokens / own),
      checkpointInterval: max(1, training.checkpointTokens / own), keptCheckpoints: 1)
  }

  /// The mixers of `mixers` that are not the teacher's learn to be like them; all else is frozen.
  func layerPhase(
    _ budget: TrainingBudget, mixers: [MixerConfiguration], teacher: ModelConfiguration
  ) -> TrainingPhase {
    let rules = mixers.indices.filter { mixers[$0] != teacher.mixers[$0] }
      .map { ParameterRule("model.layers.\($0).self_attn.*", trains: true) }
    return TrainingPhase(
      name: "layers", loss: .layers, configuration: training(budget, rules: rules))
  }
}
