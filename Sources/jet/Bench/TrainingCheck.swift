import JetInference
import JetModels
import JetTensor
import JetTraining

/// Whether a step on the device gives what a float32 step on the CPU gives, on a small case with the same weights.
struct TrainingCheck: Encodable {
  /// `|loss − reference| / reference`.
  let lossError: Double
  /// `‖gradients − reference‖ / ‖reference‖`, all gradients as one vector.
  let gradientError: Double
  /// `|‖gradients‖ − ‖reference‖| / ‖reference‖`.
  let normError: Double

  /// The most that the loss may be off: bfloat16 rounds to 1 in 256, and a mean over many tokens to less.
  static let lossBound = 0.01
  /// The most that the gradients may be off.
  static let gradientBound = 0.06
  /// The most that their length may be off.
  static let normBound = 0.02

  /// Whether all three are within their bounds; not so for what is no number.
  var holds: Bool {
    lossError <= Self.lossBound && gradientError <= Self.gradientBound
      && normError <= Self.normBound
  }

  /// Two sequences of 160 tokens, so that the last chunk is not full, through four layers of `configuration`.
  static func run(
    _ configuration: ModelConfiguration, student: TrainingStudent, loss: TrainingBench.Loss,
    dtype: DType, device: Device
  ) throws -> TrainingCheck {
    var small = configuration
    small.mixers = Array(configuration.mixers.prefix(4))
    let shape = TrainingBench.Shape(sequences: 2, length: 160)
    var random = RandomNumbers(seed: 7)
    let tokens = TrainingBench.sequences(
      shape, vocabulary: configuration.vocabularySize, &random)
    func bench(_ dtype: DType, _ device: Device, rounded: Bool) throws -> TrainingBench {
      let teacher = try HybridModel(
        small, parameters: ParameterStore(source: nil, dtype: dtype, device: device, seed: 3))
      return try TrainingBench(
        teacher: teacher, mixer: student, kept: [1], loss: loss, shape: shape, chunkRows: 128,
        recomputes: true, roundedWeights: rounded)
    }
    return try withTorchErrors {
      // The reference computes with the weights that bfloat16 leaves of the same random numbers.
      let reference = try bench(.float32, .cpu, rounded: dtype == .bfloat16).gradients(of: tokens)
      let found = try bench(dtype, device, rounded: false).gradients(of: tokens)
      func square(_ tensors: [Tensor]) -> Double {
        tensors.reduce(0) { $0 + ($1 * $1).sum().item(as: Double.self) }
      }
      let length = square(reference.gradients).squareRoot()
      let apart = square(zip(found.gradients, reference.gradients).map { $0 - $1 }).squareRoot()
      return TrainingCheck(
        lossError: abs(found.loss - reference.loss) / abs(reference.loss),
        gradientError: apart / length,
        normError: abs(square(found.gradients).squareRoot() - length) / length)
    }
  }
}
