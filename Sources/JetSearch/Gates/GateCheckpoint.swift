public import Foundation
import JetFormats
import JetTensor
import JetTraining

/// Where a ``GateStrategy`` keeps what it goes on from when it was killed on the way: a file for each choice and count.
public struct GateCheckpoints: Hashable, Sendable {
  /// Holds the files; made when the first is written.
  public var folder: URL
  /// Tells the weights of the super network from others, so that a file of other weights is not gone on from.
  public var weights: String

  /// Files in `folder` for a super network of `weights`.
  public init(folder: URL, weights: String) {
    self.folder = folder
    self.weights = weights
  }

  func file(_ problem: PlacementProblem) -> URL {
    folder.appending(path: "\(problem.choice.rawValue)-\(problem.count).json")
  }
}

/// The optimisation of gates between two steps.
struct GateCheckpoint: Codable {
  /// What decides every step but for the device. A file of another one is begun anew.
  struct Work: Codable, Hashable {
    var problem: PlacementProblem
    var configuration: GateConfiguration
    var batchCount: Int
    /// Of the tokens of all batches.
    var text: UInt64
    /// What the super network computes in.
    var dtype: String
    var weights: String

    init(
      _ problem: PlacementProblem, _ configuration: GateConfiguration, _ batches: [PackedBatch],
      _ dtype: DType, weights: String
    ) {
      (self.problem, self.configuration, self.weights) = (problem, configuration, weights)
      batchCount = batches.count
      var sum = Checksum()
      for batch in batches {
        for number in batch.tokens.shape + batch.tokens.array(of: Int.self) { sum.add(number) }
        for start in batch.starts.joined() { sum.add(start) }
      }
      text = sum.value
      self.dtype = "\(dtype)"
    }
  }

  var work: Work
  /// Steps that are done.
  var steps = 0
  /// Batches that are still to come before the order is drawn anew, the next one last.
  var order: [Int] = []
  var generator: SplitMix64
  /// One a free layer each; float32's numbers, exact.
  private var logits: [Double] = []
  private var firstMoments: [Double] = []
  private var secondMoments: [Double] = []

  /// The beginning of `work`.
  init(_ work: Work) {
    self.work = work
    generator = SplitMix64(seed: work.configuration.seed)
  }

  /// Writes the present state at once or not at all.
  ///
  /// - Throws: ``SearchError`` when a number is no longer finite or the folder cannot be made; what writing throws.
  mutating func write(_ optimizer: AdamW, to url: URL) throws {
    func numbers(_ tensors: [Tensor]) -> [Double] {
      Tensor.concatenate(tensors.map { $0.detached() }, dim: 0).array(of: Float.self).map(
        Double.init)
    }
    logits = numbers(optimizer.parameters.leaves.map(\.master))
    (firstMoments, secondMoments) = (
      numbers(optimizer.firstMoments), numbers(optimizer.secondMoments)
    )
    guard (logits + firstMoments + secondMoments).allSatisfy(\.isFinite) else {
      throw SearchError(
        "the gates are not finite after step \(steps); give a smaller learning rate, or compute in float32"
      )
    }
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw SearchError(
        "\(url.deletingLastPathComponent().path) cannot be made: \(error.localizedDescription); "
          + "give the run a folder that can be written")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(encoder.encode(self), to: url)
  }

  /// What `work` was at when its process ended, or its beginning.
  ///
  /// - Throws: ``SearchError`` when the file is damaged.
  static func read(_ url: URL, _ work: Work, into optimizer: AdamW) throws -> GateCheckpoint {
    guard let data = FileManager.default.contents(atPath: url.path) else {
      return GateCheckpoint(work)
    }
    guard let found = try? JSONDecoder().decode(GateCheckpoint.self, from: data) else {
      throw SearchError(
        "\(url.path) is damaged; remove it, and these gates are optimised from their beginning")
    }
    guard found.work == work else { return GateCheckpoint(work) }
    let count = work.problem.free.count
    guard
      [found.logits, found.firstMoments, found.secondMoments].allSatisfy({
        $0.count == count && $0.allSatisfy { Float($0).isFinite }
      }), found.secondMoments.allSatisfy({ $0 >= 0 }),
      (1...work.configuration.steps).contains(found.steps),
      found.order.allSatisfy((0..<work.batchCount).contains)
    else {
      throw SearchError(
        "\(url.path) does not fit its own problem of \(count) layers; remove it, and these gates "
          + "are optimised from their beginning")
    }
    withoutGradients {
      for index in 0..<count {
        optimizer.parameters.leaves[index].master.fill(found.logits[index])
        optimizer.firstMoments[index].fill(found.firstMoments[index])
        optimizer.secondMoments[index].fill(found.secondMoments[index])
      }
    }
    optimizer.stepCount = found.steps
    optimizer.parameters.publish()
    return found
  }
}
