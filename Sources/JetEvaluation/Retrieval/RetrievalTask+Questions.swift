import JetInference

extension RetrievalTask {
  /// A text that ends in a question, with its choices.
  struct Question {
    var context: String
    var choices: [String]
    var answer: Int
  }

  /// A fact: a key, and the number that belongs to it.
  private struct Fact {
    var key: String
    var value: String
  }

  /// Writes one question.
  func question(
    depth: Int, count: (String) -> Int, _ random: inout RandomNumbers
  ) throws -> Question {
    var facts = FactMaker(random)
    let asked = facts.next()
    let ending = ask(asked)
    let room = tokens - count(ending + " \(asked.value)")
    var own: [Fact] = [asked]
    var parts: [String] = []
    switch family {
    case .recall:
      // Each line is counted alone; the whole is counted below.
      var sum = count(line(asked))
      while true {
        let fact = facts.next()
        sum += count(line(fact))
        if sum > room { break }
        own.append(fact)
        parts.append(line(fact))
      }
    case .needle:
      for _ in 1..<max(1, needles) { own.append(facts.next()) }
      var sum = own.reduce(0) { $0 + count(line($1)) }
      var sentences = Filler(filler, facts.random)
      while true {
        let sentence = sentences.next()
        sum += count(sentence)
        if sum > room { break }
        parts.append(sentence)
      }
      facts.random = sentences.random
    }
    let others = family == .needle ? own.dropFirst().map(line) : []
    var text = assembled(parts, others, asked, depth, facts.random)
    while count(text) > room, !parts.isEmpty {
      parts.removeLast()
      if family == .recall { own.removeLast() }
      text = assembled(parts, others, asked, depth, facts.random)
    }
    guard count(text) <= room else {
      throw EvaluationError(
        "\(name): \(own.count) facts do not fit \(tokens) tokens; give more tokens or fewer needles."
      )
    }
    // Numbers that stand in the text, so that knowing what kind of thing is asked for does not help.
    var wrong = own.dropFirst().map(\.value)
    wrong.shuffle(using: &facts.random)
    while wrong.count < choices - 1 { wrong.append(facts.next().value) }
    var all = Array(wrong.prefix(choices - 1))
    let answer = Int(facts.random.next() % UInt64(choices))
    all.insert(asked.value, at: answer)
    return Question(context: text + ending, choices: all, answer: answer)
  }

  /// The parts with the asked fact at its depth, the others anywhere.
  private func assembled(
    _ parts: [String], _ others: [String], _ asked: Fact, _ depth: Int, _ random: RandomNumbers
  ) -> String {
    var random = random
    var all = parts
    for other in others {
      all.insert(other, at: Int(random.next() % UInt64(all.count + 1)))
    }
    all.insert(line(asked), at: (all.count * depth + 50) / 100)
    return all.joined()
  }

  private func line(_ fact: Fact) -> String {
    switch family {
    case .recall: "\(fact.key): \(fact.value)\n"
    case .needle: "The secret number of the \(fact.key) is \(fact.value). "
    }
  }

  private func ask(_ fact: Fact) -> String {
    switch family {
    case .recall: "\(fact.key):"
    case .needle: "\nThe secret number of the \(fact.key) is"
    }
  }

  /// Facts whose keys and values are all different.
  private struct FactMaker {
    var random: RandomNumbers
    private var keys: Set<String> = []
    private var values: Set<String> = []

    init(_ random: RandomNumbers) { self.random = random }

    mutating func next() -> Fact {
      var key: String
      repeat {
        key = "\(Words.adjectives.pick(&random)) \(Words.nouns.pick(&random))"
        // Long lists need more keys than two words give.
        if keys.count > 800 { key += " \(random.next() % 1000)" }
      } while !keys.insert(key).inserted
      var value: String
      repeat { value = "\(10_000 + random.next() % 90_000)" } while !values.insert(value).inserted
      return Fact(key: key, value: value)
    }
  }

  /// Sentences without end.
  private struct Filler {
    var random: RandomNumbers
    private let given: [String]
    private var place: Int

    init(_ given: [String], _ random: RandomNumbers) {
      self.given = given
      self.random = random
      place = given.isEmpty ? 0 : Int(self.random.next() % UInt64(given.count))
    }

    mutating func next() -> String {
      if !given.isEmpty {
        defer { place = (place + 1) % given.count }
        return given[place] + " "
      }
      let (first, second) = (Words.nouns.pick(&random), Words.nouns.pick(&random))
      return "The \(Words.adjectives.pick(&random)) \(first) \(Words.verbs.pick(&random)) the "
        + "\(Words.adjectives.pick(&random)) \(second) \(Words.times.pick(&random)). "
    }
  }
}

extension [String] {
  fileprivate func pick(_ random: inout RandomNumbers) -> String {
    self[Int(random.next() % UInt64(count))]
  }
}

/// What keys and sentences are made of.
private enum Words {
  static let adjectives = [
    "amber", "ancient", "bitter", "blue", "brave", "bright", "calm", "clever", "cold", "copper",
    "crimson", "curious", "dark", "distant", "dusty", "early", "eastern", "empty", "gentle",
    "golden", "green", "hidden", "hollow", "humble", "iron", "ivory", "lonely", "narrow",
    "northern", "pale", "patient", "quiet", "rapid", "red", "restless", "silver", "southern",
    "tall", "wild", "wooden",
  ]
  static let nouns = [
    "anchor", "badger", "baker", "bridge", "candle", "castle", "cedar", "desert", "doctor",
    "falcon", "farmer", "forest", "fountain", "garden", "harbor", "hunter", "island", "lantern",
    "library", "lion", "market", "meadow", "miller", "mirror", "mountain", "orchard", "otter",
    "painter", "palace", "piano", "river", "sailor", "school", "shepherd", "tailor", "temple",
    "tiger", "tower", "valley", "village",
  ]
  static let verbs = [
    "watched", "followed", "passed", "remembered", "admired", "visited", "described", "crossed",
    "painted", "forgot", "found", "feared",
  ]
  static let times = [
    "in the morning", "after the rain", "every winter", "before sunrise", "on a Sunday",
    "for many years", "without a word", "at the end of the day", "during the festival",
    "long ago", "twice a week", "as the bell rang",
  ]
}
