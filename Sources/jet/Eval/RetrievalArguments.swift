import ArgumentParser

/// What the generated tasks `recall` and `needle` are made of.
struct RetrievalArguments: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Tokens of a question of recall and needle.", valueName: "counts"))
  var lengths = IntegerList([512, 1024])

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Where the answer stands, in per cent of the text.", valueName: "per cents"))
  var depths = IntegerList([0, 25, 50, 75, 100])

  @Option(parsing: .unconditional, help: "Facts hidden in the text of needle.")
  var needles = 4

  @Option(parsing: .unconditional, help: "Questions of recall and needle at each depth.")
  var itemsPerDepth = 20

  @Option(parsing: .unconditional, help: "Start of the random numbers of recall and needle.")
  var seed: UInt64 = 0

  var values: TaskChoice.Retrieval {
    TaskChoice.Retrieval(
      lengths: lengths.values, depths: depths.values, needles: needles,
      itemsPerDepth: itemsPerDepth, seed: seed)
  }
}
