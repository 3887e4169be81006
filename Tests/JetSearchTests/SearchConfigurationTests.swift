import Foundation
import JetModels
import JetTestSupport
import JetTraining
import Testing

@testable import JetSearch

@Suite("SearchConfiguration") struct SearchConfigurationTests {
  private static let head = """
    teacher: /models/teacher
    data: {train: [a.txt], validation: [b.txt], sequence_length: 64}

    """

  private func read(_ yaml: String) throws -> SearchConfiguration {
    try SearchConfiguration(
      yaml: yaml, file: "search.yaml", folder: URL(filePath: "/texts", directoryHint: .isDirectory))
  }

  @Test("what a file leaves out has its default, and paths start from the file's folder")
  func defaults() throws {
    let made = try read(Self.head)
    var expected = SearchConfiguration()
    expected.teacher = "/models/teacher"
    expected.data.train = ["/texts/a.txt"]
    expected.data.validation = ["/texts/b.txt"]
    expected.data.sequenceLength = 64
    #expect(made == expected)
  }

  @Test("the resolved configuration reads back as itself")
  func roundTrip() throws {
    var made = try read(
      Self.head + """
        placement:
          windows: {layers: 1, objective: divergence}
        new_block: {tried: false, ablations: [{name: fixed, kernels: static}]}
        final: {lengths: [{from: 0.5, sequence_length: 128, sequences: 2}]}
        evaluation: {tasks: [{task: recall, lengths: [64]}]}
        """)
    made.threads = 3
    let again = try SearchConfiguration(resolved: made.json(), file: "config.json")
    #expect(again == made)
    #expect(try again.json() == made.json())
  }

  @Test(
    "a fault is one sentence with its place",
    arguments: [
      ("seed: [", "search.yaml is not YAML"),
      ("- a", "holds no keys and values"),
      ("dtype: float32", "'teacher' is missing"),
      (head + "sead: 1", "line 3: the key 'sead' is not known"),
      (head + "placement:\n  beam_widht: 3", "line 4: the key 'placement.beam_widht' is not known"),
      (head + "seed: 1\nseed: 2", "duplicated key(s): 'seed'"),
      (
        head + "seed: many", "line 3: 'seed' has a value of the wrong kind; expected a whole number"
      ),
      (head + "dtype: int8", "line 3: 'dtype' has a value that is not possible"),
      (head + "training: {warm_up: .inf}", "'training.warm_up' is no number that can be used"),
      (head + "training: {warm_up: 2}", "'training.warm_up' is 2.0; give a number from 0.0 to 1.0"),
      (head + "threads: 0", "'threads' is 0; give 1 or more"),
      ("teacher: t\ndata: {validation: [b.txt]}", "'data.train' names no file"),
      ("teacher: t\ndata: {train: [a.txt]}", "'data.validation' names no file"),
      (
        "teacher: t\ndata: {train: [a.txt], validation: [a.txt]}",
        "is in both 'data.train' and 'data.validation'"
      ),
      (
        head + "super_network: {linear: mamba9}",
        "'super_network.linear' is mamba9, which is no linear mixer"
      ),
      (
        head + "super_network: {layers: {tokens: 0}}",
        "'super_network.layers.tokens' is 0; give 1 or more"
      ),
      (head + "placement: {guide: mmlu}", "'placement.guide' is mmlu, which is no objective"),
      (
        head + "placement: {size: 3}", "'placement.size' is 3, which is not among 'placement.sizes'"
      ),
      (
        head + "placement: {strategy: exhaustive}",
        "'placement.strategy' is exhaustive, which is not among"
      ),
      (
        head + "placement: {objectives: [{name: a, kind: guess}], guide: a}",
        "'placement.objectives[0].kind' has a value that is not possible"
      ),
      (
        head + "placement: {objectives: [{name: a, kind: task}], guide: a}",
        "'placement.objectives[0].task' is missing"
      ),
      (
        head + "placement: {objectives: [{name: a, kind: task, task: {task: chess}}], guide: a}",
        "'placement.objectives[0].task.task' is chess"
      ),
      (
        head + "placement: {windows: {layers: 1, objective: x}}",
        "'placement.windows.objective' is x"
      ),
      (
        head + "placement: {windows: {objective: divergence}}",
        "'placement.windows.layers' is missing"
      ),
      (head + "blocks: {candidates: []}", "'blocks.candidates' is []; give one kind at least"),
      (head + "blocks: {rule: {metric: mean_accuracy}}", "'evaluation.tasks' is empty"),
      (head + "new_block: {ablations: [{name: jet}]}", "give each one of its own, and none 'jet'"),
      (
        head
          + "grid: {rows: [{heads: 2, key_width: 8, value_width: 8}, {heads: 2, key_width: 8, value_width: 9}]}",
        "a grid keeps heads times key width times value width constant"
      ),
      (head + "final: {divergence: 0, cross_entropy: 0}", "not 0 for both"),
      (
        head + "final: {lengths: [{from: 1.5, sequence_length: 8, sequences: 1}]}",
        "give parts between 0 and 1 that ascend"
      ),
      (
        head + "evaluation: {tasks: [{task: arc-easy, lengths: [64]}]}",
        "'evaluation.tasks[0].lengths' is given for arc-easy"
      ),
      (head + "evaluation: {contexts: [0]}", "'evaluation.contexts' is 0; give 1 or more"),
      (head + "dtype: float16", "is not possible; give one of bfloat16, float32, auto"),
      (
        head + "placement: {strategies: [beam, guess]}",
        "line 3: 'placement.strategies[1]' has a value that is not possible; give one of beam"
      ),
      (head + "seed: -1", "line 3: 'seed' is -1; give a number from 0 to \(Int.max)"),
      (head + "seed: 12345678901234567890123", "line 3: 'seed' is 12345678901234567890123; give a"),
      (head + "threads: 1.5", "a number with a fraction"),
      (head + "threads: 1025", "'threads' is 1025; give 1024 or less"),
      (
        "teacher: t\ndata: {train: [a.txt], validation: [b.txt], sequences: \(Int.max)}",
        "'data.sequences' is \(Int.max); give 16777216 or less"
      ),
      (
        "teacher: t\ndata: {train: [a.txt], validation: [b.txt], sequences: 16777216}",
        "'data.sequence_length * sequences' is 8589934592; give 1073741824 or less"
      ),
      (
        head + "super_network: {layers: {tokens: \(Int.max)}}",
        "'super_network.layers.tokens' is \(Int.max); give 1099511627776 or less"
      ),
      (
        head + "grid: {rows: [{heads: \(Int.max), key_width: 8, value_width: 8}]}",
        "'grid.rows[0]' is \(Int.max); give 65536 or less"
      ),
      (head + "grid: {batch: \(Int.max)}", "'grid.batch' is \(Int.max); give 65536 or less"),
      (
        head + "evaluation: {contexts: [\(Int.max)]}",
        "'evaluation.contexts' is \(Int.max); give 16777216 or less"
      ),
      (
        head + "evaluation: {tasks: [{task: recall, lengths: [\(Int.max)]}]}",
        "'evaluation.tasks[0].lengths' is \(Int.max); give 1048576 or less"
      ),
    ])
  func faults(yaml: String, sentence: String) {
    let found = message { _ = try read(yaml) }
    #expect(found?.contains(sentence) == true, "\(found ?? "no error")")
    #expect(found?.contains("\n") == false)
  }

  @Test(
    "a constraint that the teacher cannot meet, a missing file and a device are refused before the run is made"
  )
  func impossible() throws {
    let folder = try TemporaryFolder()
    let tiny = try TinySearch(folder.url)
    func refusal(_ change: @escaping (inout SearchConfiguration) -> Void) -> String {
      message { _ = try PostNAS.begin(tiny.configuration(change), in: tiny.run("run")) } ?? "none"
    }
    #expect(refusal { $0.placement.sizes = [2, 4] }.contains("in a teacher of 5 layers"))
    #expect(
      refusal {
        $0.placement.strategies.append(.exhaustive)
        $0.placement.exhaustiveLimit = 9
      }.contains("an exhaustive search of 2 among 5 layers scores 10 placements"))
    #expect(refusal { $0.data.train = ["/absent.txt"] }.contains("'data.train' names /absent.txt"))
    #expect(refusal { $0.device = "tpu" }.contains("'device' is tpu"))
    #expect(
      refusal { $0.data.sequenceLength = 1024 }.contains("longer than the teacher's 512 positions"))
    #expect(
      refusal { $0.evaluation.tasks = [TaskReference("hellaswag")] }.contains(
        "needs the files of 'make setup-eval'"))
    #expect(
      refusal { $0.newBlock.ablations[0].kernelSize = 1000 }.contains(
        "the block fixed cannot be built"))
    let memory = refusal { $0.data.sequences = 4_000_000 }
    #expect(memory.contains("of memory and") && memory.contains("are free on cpu"), "\(memory)")
    #expect(!FileManager.default.fileExists(atPath: tiny.run("run").url.path))
  }

  @Test("steps follow from tokens, rounded up, and lengths change at their part of the tokens")
  func steps() throws {
    var own = SearchConfiguration()
    own.data.sequenceLength = 64
    own.data.sequences = 2
    let plain = own.training(TrainingBudget(tokens: 1000, learningRate: 1e-3), rules: [])
    #expect(plain.steps == 8 && plain.tokenCount == 1024)
    let two = own.training(
      TrainingBudget(tokens: 1280, learningRate: 1e-3), rules: [],
      lengths: [.init(from: 0.5, sequenceLength: 320, sequences: 1)])
    #expect(two.steps == 7 && two.stages.map(\.step) == [0, 5])
    #expect(two.tokenCount == 5 * 128 + 2 * 320)
  }

  @Test("the rule takes the faster of two that cannot be told apart, and the better otherwise")
  func rule() throws {
    func candidate(
      _ name: String, _ values: [Double], rate: Double, parameters: Int
    )
      -> TrainedCandidate
    {
      TrainedCandidate(
        name: name, linear: .gla(GLAConfiguration(heads: 2, keyWidth: 8, valueWidth: 8)),
        observations: ["g": values], parameterCount: parameters, layerStateBytes: parameters,
        trainingTokensPerSecond: 1,
        rates: ModelRates(context: 1, batch: 1, stateBytes: 1, decodeTokensPerSecond: rate),
        record: StageRecord())
    }
    let slow = candidate("slow", [1, 2, 3], rate: 1, parameters: 9)
    let fast = candidate("fast", [1.2, 1.7, 3], rate: 2, parameters: 10)
    let poor = candidate("poor", [0, 1.1, 2.0], rate: 3, parameters: 1)
    func chosen(_ rule: SelectionRule) -> String {
      TrainedCandidate.chosen([slow, fast, poor], by: rule, guide: "g").name
    }
    #expect(chosen(SelectionRule(withinStandardErrors: 1, then: .throughput)) == "fast")
    #expect(chosen(SelectionRule(withinStandardErrors: 0, then: .throughput)) == "slow")
    #expect(chosen(SelectionRule(withinStandardErrors: 1, then: .parameters)) == "slow")
    #expect(chosen(SelectionRule(withinStandardErrors: 100, then: .stateBytes)) == "poor")
    #expect(chosen(SelectionRule(withinStandardErrors: 100, then: .metric)) == "slow")
  }

  @Test("a grid keeps the memory's size and leaves out what does not divide")
  func grid() throws {
    let block = MixerConfiguration.gla(GLAConfiguration(heads: 4, keyWidth: 16, valueWidth: 16))
    var own = GridConfiguration()
    own.heads = [2, 4, 3]
    own.keyWidths = [16, 32]
    let rows = try GridRows.rows(own, of: block)
    #expect(rows.map(\.name) == ["2x16x32", "2x32x16", "4x32x8"])
    own = GridConfiguration()
    own.rows = [.init(heads: 1, keyWidth: 8, valueWidth: 8)]
    #expect(throws: SearchError.self) { try GridRows.rows(own, of: block) }
  }
}
