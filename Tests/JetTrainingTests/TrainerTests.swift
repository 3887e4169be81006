import Foundation
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("Trainer")
struct TrainerTests {
  private let folder: TemporaryFolder
  private let shards: URL

  init() throws {
    folder = try TemporaryFolder()
    shards = folder.url.appending(path: "shards")
    try TinyRun.makeShards(shards)
  }

  @Test("a student learns its teacher's mixers", arguments: [DType.float32, .bfloat16])
  func learns(dtype: DType) throws {
    var configuration = TinyRun.configuration
    configuration.steps = 150
    configuration.stages = [LengthStage(length: 32, sequences: 4)]
    configuration.accumulation = 1
    configuration.schedule = Schedule(shape: .cosine, warmupSteps: 10)
    configuration.reportInterval = 10
    let run = try TinyRun(nil, shards: shards, configuration: configuration, dtype: dtype)
    var losses: [Double] = []
    run.trainer.report = { losses.append($0.loss) }
    #expect(try run.trainer.run() == .finished)
    let (first, last) = (try #require(losses.first), try #require(losses.last))
    #expect(losses.count == 15 && last < 0.5 * first, "\(losses)")
  }

  @Test(
    "stopped after any checkpoint and resumed, a run ends in the same bits", arguments: [6, 11, 13])
  func resumes(cut: Int) throws {
    let whole = try TinyRun(folder.url.appending(path: "whole"), shards: shards)
    #expect(try whole.trainer.run() == .finished)
    let part = folder.url.appending(path: "part")
    #expect(try TinyRun(part, shards: shards).trainer.run(until: cut) == .stopped)
    let resumed = try TinyRun(part, shards: shards)
    #expect(resumed.trainer.step == cut)
    #expect(try resumed.trainer.run() == .finished)
    #expect(resumed.weights == whole.weights)
    func numbers(_ name: String) throws -> [[Double]] {
      try RunFolder(folder.url.appending(path: name)).reports().map {
        [Double($0.step), $0.loss, $0.gradientNorm, Double($0.tokens)]
      }
    }
    #expect(try numbers("part") == numbers("whole"))
  }

  @Test("killed by SIGKILL at any moment and resumed, a run ends in the same bits")
  func killed() async throws {
    // The child knows its parent's number, and so the folder.
    let place = FileManager.default.temporaryDirectory.appending(path: "jet-killed-\(getpid())")
    defer {
      do { try FileManager.default.removeItem(at: place) } catch { print("not removed: \(error)") }
    }
    try TinyRun.makeShards(place.appending(path: "shards"))
    var kills = 0
    for _ in 0..<4 {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        let place = FileManager.default.temporaryDirectory
          .appending(path: "jet-killed-\(getppid())")
        let run = try TinyRun(
          place.appending(path: "run"), shards: place.appending(path: "shards"))
        Thread.detachNewThread {
          usleep(UInt32.random(in: 0..<100_000))
          kill(getpid(), SIGKILL)
        }
        _ = try run.trainer.run()
        // Faster than the killer: it comes.
        sleep(10)
      }
      kills += 1
    }
    #expect(kills == 4)
    let resumed = try TinyRun(
      place.appending(path: "run"), shards: place.appending(path: "shards"))
    _ = try resumed.trainer.run()
    let whole = try TinyRun(nil, shards: shards)
    _ = try whole.trainer.run()
    #expect(resumed.weights == whole.weights)
  }

  @Test("the newest checkpoints are kept, and what a killed process left half made is ignored")
  func keeps() throws {
    let url = folder.url.appending(path: "run")
    let run = try TinyRun(url, shards: shards)
    _ = try run.trainer.run(until: 24)
    #expect(try RunFolder(url).checkpointSteps() == [18, 24])
    let partial = url.appending(path: "checkpoints/.partial-30")
    try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: false)
    let resumed = try TinyRun(url, shards: shards)
    #expect(resumed.trainer.step == 24)
    _ = try resumed.trainer.run()
    #expect(try RunFolder(url).checkpointSteps() == [24, 30])
    #expect(!FileManager.default.fileExists(atPath: partial.path))
  }

  @Test("a folder of another run, a damaged checkpoint and other rules are refused")
  func refusals() throws {
    let url = folder.url.appending(path: "run")
    _ = try TinyRun(url, shards: shards).trainer.run(until: 6)
    var other = TinyRun.configuration
    other.optimizer.learningRate = 1
    let foreign = sentence { _ = try TinyRun(url, shards: shards, configuration: other) }
    #expect(foreign?.contains("belongs to a run with other values") == true)
    let state = url.appending(path: "checkpoints/step-00000006/state.json")
    try Data("{".utf8).write(to: state)
    let damaged = sentence { _ = try TinyRun(url, shards: shards) }
    #expect(damaged?.contains("state.json cannot be read") == true)
  }

  @Test("a run goes on with its own frozen weights only")
  func frozenWeights() throws {
    let url = folder.url.appending(path: "run")
    _ = try TinyRun(url, shards: shards).trainer.run(until: 6)
    let refusal = sentence { _ = try TinyRun(url, shards: shards, teacherSeed: 2) }
    #expect(refusal?.contains("other frozen weights") == true)
    let run = try TinyRun(nil, shards: shards)
    let whole = try FrozenWeights.fingerprint(of: [run.teacher, run.student])
    // What is trained is not in it; the last byte of what is frozen is.
    let trained = try #require(run.trainer.optimizer.parameters.leaves.first)
    withoutGradients { trained.computed.detached().fill(3) }
    #expect(try FrozenWeights.fingerprint(of: [run.teacher, run.student]) == whole)
    let norm = run.teacher.norm.weight
    withoutGradients { norm.slice(47..<48, dim: 0).fill(1.0001) }
    #expect(try FrozenWeights.fingerprint(of: [run.teacher, run.student]) != whole)
    #expect(try TinyRun(url, shards: shards).trainer.step == 6)
  }

  @Test("the share of the device's peak is reported where the objective counts its operations")
  func peakShare() throws {
    let run = try TinyRun(nil, shards: shards)
    let parameters = run.trainer.optimizer.parameters
    let objective = try LayerDistillation(
      teacher: run.teacher, student: run.student, parameters: parameters)
    var configuration = TinyRun.configuration
    configuration.steps = 4
    let trainer = try Trainer(
      configuration, parameters: parameters, objective: objective,
      shards: TokenShardList.open(shards))
    var shares: [Double?] = []
    trainer.report = { shares.append($0.peakShare) }
    _ = try trainer.run()
    let share = try #require(shares.first ?? nil)
    #expect(share > 0 && share < 1)
    // An objective that does not count them has no share.
    run.trainer.report = { #expect($0.peakShare == nil) }
    _ = try run.trainer.run(until: 4)
  }

  @Test("operations are those of the products, each counted by hand")
  func operations() throws {
    let teacher = try TinyModels.model([TinyModels.attention, TinyModels.attention], seed: 1)
    let student = try Conversion.student(
      of: teacher, mixers: [TinyModels.gatedDeltaNet, TinyModels.attention], seed: 2)
    let rules = [ParameterRule("model.layers.0.self_attn.*", trains: true)]
    let parameters = try TrainedParameters(of: student, rules: rules)
    let layers = try LayerDistillation(
      teacher: teacher, student: student, parameters: parameters)
    // Width 48; 4 heads of 12, 2 of keys and values; 2 sequences of 10 tokens see 55 each.
    let projections: Double = 2 * 20 * (2 * 48 * 48 + 2 * 48 * 24)
    let patterns: Double = 2 * 55 * 4 * 48
    let attention = projections + patterns
    let linear = student.mixerOperations([0], sequences: 2, length: 10)
    #expect(linear > 2 * 20 * 4 * 48 * 48)
    #expect(layers.operations(sequences: 2, length: 10) == attention + 3 * linear)
    let mlps: Double = 2 * 20 * 3 * 48 * 72
    let head: Double = 2 * 20 * 100 * 48
    let teaching = 2 * (attention + mlps) + head
    let loss = LogitLoss(crossEntropy: 1, divergence: 1)
    for recomputes in [true, false] {
      let logits = try ModelTraining(
        student: student, teacher: teacher, loss: loss, parameters: parameters,
        recomputes: recomputes)
      let body = linear + attention + 2 * mlps
      let weights: Double = 40 * Double(parameters.elementCount)
      let passes: Double = recomputes ? 3 : 2
      let wanted: Double = passes * body + 2 * head + weights + teaching
      let found = try #require(logits.operations(sequences: 2, length: 10))
      #expect(abs(found / wanted - 1) < 1e-12)
    }
  }

  @Test("steps that are not finite are skipped and counted, and too many end the run")
  func skips() throws {
    final class Broken: Objective {
      let inner: any Objective
      let bad: Set<Int>
      var calls = 0

      init(_ inner: any Objective, bad: Set<Int>) {
        self.inner = inner
        self.bad = bad
      }

      func accumulate(
        _ batch: PackedBatch, scale: Double, into gradients: GradientSums
      ) throws -> [String: Tensor] {
        defer { calls += 1 }
        return try inner.accumulate(
          batch, scale: bad.contains(calls) ? .nan : scale, into: gradients)
      }
    }
    func trainer(_ bad: Set<Int>) throws -> Trainer {
      var configuration = TinyRun.configuration
      configuration.accumulation = 1
      configuration.steps = 10
      configuration.maximumSkips = 3
      let teacher = try TinyModels.model([TinyModels.attention], seed: 1)
      let student = try Conversion.student(
        of: teacher, mixers: [TinyModels.gatedDeltaNet], seed: 2)
      let parameters = try TrainedParameters(of: student, rules: configuration.rules)
      let layers = try LayerDistillation(
        teacher: teacher, student: student, parameters: parameters)
      return try Trainer(
        configuration, parameters: parameters, objective: Broken(layers, bad: bad),
        shards: TokenShardList.open(shards))
    }
    let some = try trainer([2, 3, 5])
    #expect(try some.run() == .finished)
    #expect(some.skipped == 3 && some.optimizer.stepCount == 7)
    let many = try trainer([4, 5, 6])
    let found = sentence { _ = try many.run() }
    #expect(found?.contains("3 steps in a row up to step 7") == true, "\(found ?? "none")")
  }

  @Test("a line says all there is to say")
  func line() {
    let report = StepReport(
      step: 40, steps: 1000, loss: 0.123456, parts: [:], rate: 9.87e-4, gradientNorm: 1.5,
      tokens: 163_840, tokensPerSecond: 2048, skipped: 1, memoryBytes: 1_234_000_000,
      secondsLeft: 3725)
    #expect(
      report.line
        == "step   40/1000  loss 0.1235  rate 9.87e-4  norm 1.500  163.8K tokens  2048 tok/s  "
        + "1.23 GB  1 h 2 min left  1 skipped")
  }
}
