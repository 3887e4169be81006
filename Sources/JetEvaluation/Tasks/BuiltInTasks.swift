/// The tasks that come with Jet, over the files that `make setup-eval` writes.
///
/// The prompts are those of EleutherAI's lm-evaluation-harness, so that scores can be compared with
/// published ones; there are no examples unless they are asked for.
public enum BuiltInTasks {
  /// Their names, in the order in which they are listed.
  public static let names = [
    "hellaswag", "arc-easy", "arc-challenge", "piqa", "winogrande", "openbookqa", "boolq", "mmlu",
  ]

  /// The task of that name, its files in `folder`; nil for an unknown name.
  public static func description(_ name: String, folder: String) throws -> TaskDescription? {
    guard let yaml = definitions[name] else { return nil }
    return try TaskDescription(
      yaml: yaml, file: "the built-in task \(name)", name: name, folder: folder)
  }

  /// Each task as its YAML file would say it.
  static let definitions = [
    "hellaswag": """
    kind: multiple_choice
    path: hellaswag.jsonl
    id: "{id}"
    context: "{context}"
    choices: "{choices}"
    answer: "{gold}"
    metric: accuracy_normalized
    """,
    "arc-easy": question("arc-easy", metric: "accuracy"),
    "arc-challenge": question("arc-challenge", metric: "accuracy_normalized"),
    "piqa": """
    kind: multiple_choice
    path: piqa.jsonl
    id: "{id}"
    context: "Question: {goal}\\nAnswer:"
    choices: "{choices}"
    answer: "{gold}"
    """,
    "winogrande": """
    kind: multiple_choice
    path: winogrande.jsonl
    id: "{id}"
    context: ["{before}{options.0}", "{before}{options.1}"]
    choices: "{after}"
    answer: "{gold}"
    """,
    "openbookqa": """
    kind: multiple_choice
    path: openbookqa.jsonl
    id: "{id}"
    context: "{question}"
    choices: "{choices}"
    answer: "{gold}"
    metric: accuracy_normalized
    few_shot:
      path: openbookqa.examples.jsonl
    """,
    "boolq": """
    kind: multiple_choice
    path: boolq.jsonl
    id: "{id}"
    context: "{context}"
    choices: ["no", "yes"]
    answer: "{gold}"
    """,
    "mmlu": """
    kind: multiple_choice
    path: mmlu.jsonl
    id: "{id}"
    preamble: "The following are multiple choice questions (with answers) about {subject}.\\n\\n"
    context: "{question}\\nA. {choices.0}\\nB. {choices.1}\\nC. {choices.2}\\nD. {choices.3}\\nAnswer:"
    choices: [A, B, C, D]
    answer: "{gold}"
    few_shot:
      path: mmlu.examples.jsonl
      match: subject
    """,
  ]

  private static func question(_ file: String, metric: String) -> String {
    """
    kind: multiple_choice
    path: \(file).jsonl
    id: "{id}"
    context: "Question: {question}\\nAnswer:"
    choices: "{choices}"
    answer: "{gold}"
    metric: \(metric)
    few_shot:
      path: \(file).examples.jsonl
    """
  }
}
