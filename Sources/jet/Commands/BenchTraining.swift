import ArgumentParser
import JetCheckpoint
import JetModels
import JetTensor
import JetTraining

/// Measures how fast students are trained.
struct BenchTraining: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-training",
    abstract: "Measure the steps that train a linear student from an attention teacher.",
    discussion: """
      The student has linear mixers in place of attention but in the layers of --keep. A step is \
      what a run does: a batch in, the teacher's and the student's passes, gradients, AdamW. Tokens \
      are random, and so are the weights of a --preset. Before a speed is reported, one step of a \
      small model of the same shape is compared with float32 on the CPU; where they differ by more \
      than the bounds, there is an error instead. The last line of the output is a JSON object.

      EXAMPLES
        jet bench-training --preset smollm2-135m --sequences 1 --length 256 --steps 1
        jet bench-training --preset smollm2-135m --device cuda --student gated_deltanet,jet
        jet bench-training smollm2-135m --device cuda --loss logits --sequences 32
      """)

  @OptionGroup var model: ModelOrPreset

  @Option(
    help: ArgumentHelp(
      "Mixers of the students: "
        + "\(TrainingStudent.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "mixers"),
    transform: BenchTraining.students)
  var student: [TrainingStudent] = [.gatedDeltaNet]

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Layers that keep attention.", valueName: "layers"))
  var keep = IntegerList([7, 13, 19, 25])

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Sequences of a batch.", valueName: "counts"))
  var sequences = IntegerList([32])

  @Option(parsing: .unconditional, help: "Tokens of a sequence.")
  var length = 2048

  @Option(parsing: .unconditional, help: "Steps of a run.")
  var steps = 5

  @Option(name: .customLong("repeat"), parsing: .unconditional, help: "Runs of each measurement.")
  var repeats = 3

  @Option(help: "What the student learns from: the mixers' outputs or the logits.")
  var loss = TrainingBench.Loss.layers

  @Option(parsing: .unconditional, help: "Rows whose logits are in memory at once.")
  var chunkRows = 4096

  @Flag(help: "Keep all activations of the student instead of running layers again.")
  var keepActivations = false

  @Flag(help: "Round the factors of float32 products to TF32; of GPUs only.")
  var tf32 = false

  @Flag(help: "Compare with float32 on the CPU, and time nothing.")
  var checkOnly = false

  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  func validate() throws {
    try CountBounds.expect("--length", [length])
    try CountBounds.expect("--steps", [steps])
    try CountBounds.expect("--repeat", [repeats])
    try CountBounds.expect("--chunk-rows", [chunkRows])
    try CountBounds.expect("--sequences", sequences.values)
    if let most = sequences.values.max(), most * length > 1 << 28 {
      throw ValidationError("\(most) sequences of \(length) tokens are too many; give fewer.")
    }
    guard !student.isEmpty else {
      throw ValidationError("--student names no mixer; give one at least, such as gated_deltanet.")
    }
  }

  func run() throws {
    Interrupt.install()
    try runtime.prepare()
    if tf32 { try Runtime.allowTF32(true) }
    let choice = try model.choice()
    let configuration: ModelConfiguration
    let title: String
    switch choice {
    case .checkpoint(let checkpoint):
      (configuration, title) = (checkpoint.configuration, checkpoint.path)
    case .preset(let name, let shape): (configuration, title) = (shape, "\(name) (random weights)")
    }
    let kept = Set(keep.values)
    guard kept.allSatisfy({ configuration.mixers.indices.contains($0) }) else {
      throw CommandError(
        "The layers to keep are \(keep.values), but \(title) has \(configuration.mixers.count); give "
          + "layers from 0.")
    }
    let dtype = runtime.dtype?.dtype ?? .bfloat16
    var report = TrainingReport(
      model: title, dtype: "\(dtype)", device: "\(runtime.device)",
      threads: Runtime.threadCount, tf32: tf32)
    for student in student {
      let check = try TrainingCheck.run(
        configuration, student: student, loss: loss, dtype: dtype, device: runtime.device)
      Terminal.note(report.line(student.rawValue, check))
      report.checks[student.rawValue] = check
      guard check.holds else {
        throw CommandError(
          "A step of the \(student.rawValue) student on \(runtime.device) differs too much from float32 "
            + "on the CPU, so no speed is reported; the line above has the differences.")
      }
    }
    guard !checkOnly else { return try Terminal.print(jsonLine(report)) }
    let matrixRate = try report.measureMachine(on: runtime.device, dtype: dtype)
    let teacher = try load(choice, dtype)
    for student in student {
      for count in sequences.values {
        let bench = try withTorchErrors {
          try TrainingBench(
            teacher: teacher, mixer: student, kept: kept, loss: loss,
            shape: TrainingBench.Shape(sequences: count, length: length), chunkRows: chunkRows,
            recomputes: !keepActivations)
        }
        do {
          let result = try bench.measure(steps: steps, runs: repeats, matrixRate: matrixRate)
          Terminal.note(report.line(result))
          report.results.append(result)
        } catch is CancellationError {
          Terminal.note("Interrupted; nothing is reported.")
          throw ExitCode(Interrupt.exitCode)
        } catch let error as TorchError where error.isOutOfMemory {
          Terminal.note("\(student.rawValue), \(count) sequences: there is too little memory.")
          try runtime.device.releaseCached()
        }
      }
    }
    try Terminal.print(jsonLine(report))
  }

  private func load(_ choice: ModelOrPreset.Choice, _ dtype: DType) throws -> HybridModel {
    switch choice {
    case .checkpoint(let checkpoint): try checkpoint.model(runtime, context: 1)
    case .preset(_, let configuration):
      try withTorchErrors {
        try HybridModel(
          configuration,
          parameters: ParameterStore(source: nil, dtype: dtype, device: runtime.device))
      }
    }
  }

  private static func students(_ text: String) throws -> [TrainingStudent] {
    try text.split(separator: ",").map { name in
      guard let student = TrainingStudent(rawValue: String(name)) else {
        let names = TrainingStudent.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("There is no student \(name); give some of \(names).")
      }
      return student
    }
  }
}

extension TrainingBench.Loss: ExpressibleByArgument {}
