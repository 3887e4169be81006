import Foundation
import JetModels
import JetTensor
import JetTraining

/// What a run takes of memory and disk at its largest, estimated from the models' shapes.
public struct SearchNeeds: Hashable, Sendable {
  /// Teacher, student and the frozen parts of the super network.
  public var weightBytes: Int
  /// Float32 masters, both moments and gradients of what is trained.
  public var optimizerBytes: Int
  /// What a batch leaves in memory, logits among it.
  public var activationBytes: Int
  /// Checkpoints, models and token shards.
  public var diskBytes: Int

  /// Estimates the needs of a configuration.
  init(_ configuration: SearchConfiguration, teacher: ModelConfiguration) throws {
    let width = configuration.numberType.byteCount
    let linear = try SearchPlan.linear(configuration.superNetwork.linear, teacher)
    var all = teacher
    all.mixers = teacher.mixers.map { _ in linear }
    let bare = teacher.mixers.reduce(0) { $0 + teacher.layerParameterCount($1) }
    let attention =
      bare - teacher.mixers.count * (2 * teacher.width + 3 * teacher.width * teacher.mlpWidth)
    let mixers =
      all.mixers.reduce(0) { $0 + all.layerParameterCount($1) }
      - teacher.mixers.count * (2 * teacher.width + 3 * teacher.width * teacher.mlpWidth)
    // Both paths of the super network, or all weights of the final model.
    let trainsAll = configuration.final.allWeights.tokens > 0
    let trained = max(attention + mixers, trainsAll ? all.parameterCount : 0)
    weightBytes = (teacher.parameterCount + max(all.parameterCount, attention + mixers)) * width
    optimizerBytes = trained * 4 * 4
    let lengths =
      [(configuration.data.sequenceLength, configuration.data.sequences)]
      + configuration.final.lengths.map { ($0.sequenceLength, $0.sequences) }
    let tokens = lengths.map { $0.0 * $0.1 }.max() ?? 1
    // The inputs of all layers are kept, and the inner values of one layer, or of all: about 24 of the stream's width, 6 of
    // the MLP's.
    let inner =
      (24 * teacher.width + 6 * teacher.mlpWidth)
      * (configuration.training.recompute ? 1 : teacher.mixers.count)
    activationBytes =
      tokens * (teacher.width * teacher.mixers.count + inner) * width
      + 512 * teacher.vocabularySize * 4 * 4
    let texts = configuration.data.train.reduce(0) { $0 + Self.size($1) }
    // Two checkpoints stand side by side while one is replaced; a compressed text grows, its tokens are about half of it.
    let models = 2 + configuration.training.layerParts
    diskBytes = 2 * trained * 12 + models * all.parameterCount * width + 2 * texts
  }

  private static func size(_ path: String) -> Int {
    // A file that is missing was reported before.
    ((try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? Int) ?? 0
  }

  /// All of the memory.
  public var memoryBytes: Int { weightBytes + optimizerBytes + activationBytes }

  /// Refuses a run that would not fit.
  ///
  /// - Throws: ``SearchError`` with what is needed and what there is.
  func expectRoom(on device: Device, in folder: URL) throws {
    let available: Int?
    switch device {
    case .cpu: available = Self.availableMemory()
    case .cuda:
      try device.prepare()
      available = try device.memory().freeBytes
    }
    if let available, memoryBytes > available {
      throw SearchError(
        "the run needs about \(gigabytes(memoryBytes)) of memory and \(gigabytes(available)) are free on "
          + "\(device); lower 'data.sequences' or 'data.sequence_length', or take a smaller teacher"
      )
    }
    var system = statvfs()
    // The folder may be made later, on the disk of what it will lie in.
    var place = folder.absoluteURL
    while statvfs(place.path, &system) != 0, place.path != "/" { place.deleteLastPathComponent() }
    if system.f_frsize > 0 {
      let free = Int(system.f_bavail) * Int(system.f_frsize)
      guard diskBytes <= free else {
        throw SearchError(
          "the run needs about \(gigabytes(diskBytes)) on the disk of \(folder.path) and "
            + "\(gigabytes(free)) are free; make room or choose another folder")
      }
    }
  }

  /// Bytes that can be had without swapping; nil where the kernel does not say.
  private static func availableMemory() -> Int? {
    guard let data = FileManager.default.contents(atPath: "/proc/meminfo") else { return nil }
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("MemAvailable:") {
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }

  /// One line for people.
  public var line: String {
    "memory about \(gigabytes(memoryBytes)): weights \(gigabytes(weightBytes)), masters, moments and "
      + "gradients \(gigabytes(optimizerBytes)), activations \(gigabytes(activationBytes)); disk about "
      + gigabytes(diskBytes)
  }
}

/// Bytes for people.
func gigabytes(_ bytes: Int) -> String {
  bytes < 100_000_000
    ? "\(decimals(Double(bytes) / 1e6, 1)) MB" : "\(decimals(Double(bytes) / 1e9, 2)) GB"
}
