/// Which prompts begin with the same blocks of tokens.
///
/// A node is a block of tokens after those of the node before it, so it stands for all tokens up to its end. Nodes are
/// found by hash and told apart by the tokens themselves.
struct PrefixTree {
  /// A beginning that some prompts share.
  struct Node {
    fileprivate let block: Block
    /// How many known prompts begin so.
    fileprivate(set) var prompts = 0
    /// How many running sequences have still to read to its end.
    fileprivate(set) var readers = 0
    /// How many states are kept here and behind it.
    fileprivate var states = 0
    /// The state at its end.
    fileprivate(set) var state: Int?
  }

  fileprivate struct Block: Hashable {
    let parent: Int
    let tokens: [Int]
  }

  /// How many tokens a block has.
  let blockTokens: Int
  private var numbers: [Block: Int] = [:]
  private var nodes: [Int: Node] = [:]
  private var last = 0

  init(blockTokens: Int) { self.blockTokens = blockTokens }

  /// How many nodes there are.
  var count: Int { nodes.count }

  /// Adds a prompt.
  ///
  /// - Returns: the nodes of its whole blocks, the last token left out, for it is always read.
  mutating func insert(_ prompt: [Int]) -> [Int] {
    var path: [Int] = []
    for end in stride(from: blockTokens, to: prompt.count, by: blockTokens) {
      let block = Block(parent: path.last ?? 0, tokens: Array(prompt[end - blockTokens..<end]))
      let number = numbers[block] ?? add(block)
      nodes[number]?.prompts += 1
      path.append(number)
    }
    return path
  }

  /// Forgets a prompt.
  mutating func remove(_ path: [Int]) { update(path) { $0.prompts -= 1 } }

  /// A sequence is about to read those nodes.
  mutating func expect(_ path: ArraySlice<Int>) { update(path) { $0.readers += 1 } }

  /// A sequence has read those nodes, or never will.
  mutating func pass(_ path: ArraySlice<Int>) { update(path) { $0.readers -= 1 } }

  /// A state is kept at the end of a path.
  mutating func keep(_ state: Int, at path: ArraySlice<Int>) {
    update(path) { $0.states += 1 }
    if let end = path.last { nodes[end]?.state = state }
  }

  /// The state at the end of a path is kept no more.
  mutating func drop(at path: ArraySlice<Int>) {
    if let end = path.last { nodes[end]?.state = nil }
    update(path) { $0.states -= 1 }
  }

  /// A node that a prompt, a sequence or a state holds.
  subscript(number: Int) -> Node {
    guard let node = nodes[number] else { preconditionFailure("no node \(number)") }
    return node
  }

  /// Whether prompts part at a node of a path: several go through it, and some not to the path's next one.
  func isFork(_ index: Int, of path: [Int]) -> Bool {
    let own = self[path[index]].prompts
    return own > 1 && (index + 1 == path.count || self[path[index + 1]].prompts < own)
  }

  private mutating func add(_ block: Block) -> Int {
    last += 1
    numbers[block] = last
    nodes[last] = Node(block: block)
    return last
  }

  private mutating func update(_ path: some Sequence<Int>, _ change: (inout Node) -> Void) {
    for number in path {
      guard var node = nodes[number] else { preconditionFailure("no node \(number)") }
      change(&node)
      if node.prompts == 0, node.readers == 0, node.states == 0 {
        nodes[number] = nil
        numbers[node.block] = nil
      } else {
        nodes[number] = node
      }
    }
  }
}
