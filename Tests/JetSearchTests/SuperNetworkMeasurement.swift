import Foundation
import JetCheckpoint
import JetEvaluation
import JetModels
import JetTensor
import JetText
import JetTraining
import Testing

@testable import JetSearch

private let environment = ProcessInfo.processInfo.environment

/// Not a test: how fast a real teacher's super network is trained and searched on this machine, by processor time.
///
/// `JET_SUPERNET_MODEL` names a checkpoint; `JET_SUPERNET_LENGTH` and `JET_SUPERNET_SEQUENCES` may be given.
@Suite("Speed of a super network", .enabled(if: environment["JET_SUPERNET_MODEL"] != nil))
struct SuperNetworkMeasurement {
  private func number(_ name: String, _ otherwise: Int) -> Int {
    environment["JET_SUPERNET_" + name].flatMap { Int($0) } ?? otherwise
  }

  /// At once, also where standard output is a file.
  private func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  /// Processor time of all threads, so that neighbours count less; with `OMP_NUM_THREADS=1` it is that of the work alone.
  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try body()
    return now() - start
  }

  @Test func training() throws {
    let checkpoint = try Checkpoint(try #require(environment["JET_SUPERNET_MODEL"]))
    let teacher = try checkpoint.model(dtype: .bfloat16)
    let (length, sequences) = (number("LENGTH", 256), number("SEQUENCES", 4))
    var generator = SplitMix64(seed: 1)
    let batch = PackedBatch(
      (0..<sequences).map { _ in
        TinyNetwork.packed(
          (0...length).map { _ in
            Int(generator.next() % UInt64(teacher.configuration.vocabularySize))
          })
      })
    guard case .attention(let attention) = teacher.configuration.mixers[0] else { return }
    let linear = MixerConfiguration.gla(
      GLAConfiguration(
        heads: attention.heads, keyWidth: attention.headWidth, valueWidth: attention.headWidth))
    var made: SuperNetwork?
    say(
      "made in "
        + "\(try seconds { made = try SuperNetwork(teacher: teacher, linear: linear, calibration: batch) }) s"
    )
    let network = try #require(made)
    var weights = ""
    say("identity in \(try seconds { weights = try network.identity() }) s")
    let placement = Placement(repeating: .linear, count: network.layerCount).replacing(
      [7, 13], by: .full)
    say(
      "100 models in \(try seconds { for _ in 0..<100 { _ = try network.model(placement) } }) s")
    try search(network, weights, checkpoint)
    let parameters = try network.trainedParameters(rules: SuperNetwork.rules(attention: true))
    for (name, mode, recomputes) in [
      ("layers", SuperNetworkTraining.Mode.layers, true),
      ("paths, recomputed", .paths(PathLoss(), PathSampling(), seed: 1), true),
      ("paths, kept", .paths(PathLoss(), PathSampling(), seed: 1), false),
    ] {
      let objective = try SuperNetworkTraining(
        network, mode, parameters: parameters, recomputes: recomputes)
      _ = try train(objective, parameters, rate: 1e-4, steps: 1) { _ in batch }
      let time = try seconds {
        _ = try train(objective, parameters, rate: 1e-4, steps: 2) { _ in batch }
      }
      say("\(name): \(Double(2 * batch.tokenCount) / time) tokens/s")
    }
  }

  private func search(
    _ network: SuperNetwork, _ weights: String, _ checkpoint: Checkpoint
  ) throws {
    var generator = SplitMix64(seed: 2)
    let windows = (0..<8).map { _ in (0..<128).map { _ in Int(generator.next() % 40_000) } }
    let none = Placement(repeating: .linear, count: network.layerCount)
    func rate(_ objective: any PlacementObjective) throws -> Double {
      let time = try seconds {
        for layer in stride(from: 0, to: network.layerCount, by: 6) {
          _ = try objective.observations(of: none.replacing([layer], by: .full))
        }
      }
      return Double((network.layerCount + 5) / 6) / time
    }
    for bytes in [0, 1 << 30] {
      let objective = try DivergenceObjective(
        network: network, weights: weights, windows: windows,
        limits: .init(teacherBytes: bytes, prefixBytes: bytes))
      say("divergence, 1024 tokens, caches of \(bytes) bytes: \(try rate(objective)) candidates/s")
    }
    let tokenizer = try checkpoint.tokenizer()
    let task = try RetrievalTask(.recall, tokens: 128, depths: [0, 50], itemsPerDepth: 4)
      .task { tokenizer.encode($0).count }
    let objective = try TaskObjective(
      task, metric: "answer_loss", network: network, weights: weights, tokenizer: tokenizer,
      endTokens: checkpoint.endTokens())
    say("retrieval, 8 questions of 128 tokens: \(try rate(objective)) candidates/s")
  }
}
