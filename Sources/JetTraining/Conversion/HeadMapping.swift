import JetModels
import JetTensor

/// Which of a teacher's channels those of a linear mixer begin as.
///
/// A student's head stands for one teacher head or for a run of them: with `H` and `T` heads it stands for
/// `⌊hT/H⌋…⌊(h + 1)T/H⌋ − 1`, one at least. Queries, keys and values of a run are averaged, its output columns are
/// added, and a teacher head that several stand for is shared out among them; so where attention patterns agree the
/// output does.
struct HeadMapping {
  let teacher: AttentionConfiguration
  let student: LinearHeads

  /// The teacher heads of a student head.
  func heads(of head: Int) -> Range<Int> {
    let first = head * teacher.heads / student.heads
    return first..<max(first + 1, (head + 1) * teacher.heads / student.heads)
  }

  /// How many student heads stand for a teacher head.
  func standIns(for head: Int) -> Int {
    (0..<student.heads).count { heads(of: $0).contains(head) }
  }

  /// The channels of a teacher head that make a key of the student, -1 for one that the teacher lacks.
  ///
  /// Rotary embedding turns channels `i` and `i + width/2` together, the slower the later; a narrower key keeps the
  /// pairs that turn slowest, for they carry what is alike at any distance.
  var keyChannels: [Int] {
    let (width, half) = (teacher.headWidth, teacher.headWidth / 2)
    guard student.keyWidth < width else {
      return (0..<student.keyWidth).map { $0 < width ? $0 : -1 }
    }
    let pairs = student.keyWidth / 2
    let chosen =
      (half - pairs..<half).map { $0 } + (width - pairs..<width).map { $0 }
      + (student.keyWidth % 2 == 1 ? [half - pairs - 1] : [])
    return chosen.sorted()
  }

  /// The channels of a teacher head that make a value of the student; a wider one repeats them.
  var valueChannels: [Int] { (0..<student.valueWidth).map { $0 % teacher.headWidth } }

  /// `q_proj` of the student, from the teacher's `[heads · width, D]`; rows that the teacher lacks from `initial`.
  func query(_ weight: Tensor, initial: Tensor) -> Tensor {
    rows(weight, channels: keyChannels, initial: initial) { Array($0) }
  }

  /// `k_proj` of the student, from the teacher's `[groups · width, D]`.
  func key(_ weight: Tensor, initial: Tensor) -> Tensor {
    rows(weight, channels: keyChannels, initial: initial) { $0.map { $0 / group } }
  }

  /// `v_proj` of the student, from the teacher's `[groups · width, D]`.
  func value(_ weight: Tensor, initial: Tensor) -> Tensor {
    rows(weight, channels: valueChannels, initial: initial) { $0.map { $0 / group } }
  }

  /// `o_proj` of the student, `[D, heads · valueWidth]`, from the teacher's `[D, heads · width]`.
  func output(_ weight: Tensor) -> Tensor {
    let (width, channels) = (teacher.headWidth, valueChannels)
    let repeats = channels.map { channel in channels.count { $0 == channel } }
    let columns = (0..<student.heads).map { head -> Tensor in
      let parts = heads(of: head).map { source -> Tensor in
        let own = weight.slice(source * width..<(source + 1) * width, dim: 1)
        return own / Double(standIns(for: source))
      }
      let sum = parts.dropFirst().reduce(parts[0], +)
      let shares = Tensor(repeats.map { 1 / Float($0) }).to(weight.device)
      return sum.rows(Tensor(channels).to(weight.device), dim: 1) * shares
    }
    return Tensor.concatenate(columns, dim: 1)
  }

  private var group: Int { teacher.heads / teacher.keyValueHeads }

  private func rows(
    _ weight: Tensor, channels: [Int], initial: Tensor, sources: (Range<Int>) -> [Int]
  ) -> Tensor {
    let width = teacher.headWidth
    let known = channels.filter { $0 >= 0 }
    let blocks = (0..<student.heads).map { head -> Tensor in
      let from = sources(heads(of: head))
      let parts = from.map { source in
        weight.rows(Tensor(known.map { source * width + $0 }).to(weight.device))
      }
      let mean = parts.dropFirst().reduce(parts[0], +) / Double(parts.count)
      guard known.count < channels.count else { return mean }
      // Channels that the teacher lacks come last.
      let start = head * channels.count
      let rest = initial.slice(start + known.count..<start + channels.count, dim: 0)
      return Tensor.concatenate([mean, rest], dim: 0)
    }
    return Tensor.concatenate(blocks, dim: 0)
  }
}
