public import JetModels

/// A runner that can be timed at a depth without reading a text of that length.
public protocol MeasurableRunner: EngineRunner {
  /// What the sequences carry.
  var pools: StatePools { get }

  /// Makes all open sequences stand at a position, their states full of random numbers.
  ///
  /// - Throws: what libtorch reports when memory is refused.
  func pretend(depth: Int) throws
}
