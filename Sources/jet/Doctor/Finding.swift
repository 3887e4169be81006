/// One thing that was looked at on this machine.
struct Finding: Encodable, Equatable {
  enum State: String, Encodable {
    case good = "ok"
    /// Works, but not as well as it could.
    case note
    /// Something that a command needs is not there.
    case missing
  }

  let name: String
  let state: State
  /// What was found.
  let found: String
  /// What can be done about it.
  let advice: String?

  init(_ name: String, _ found: String, state: State = .good, advice: String? = nil) {
    self.name = name
    self.state = state
    self.found = found
    self.advice = advice
  }

  /// A line for people, and one with the advice.
  var text: String {
    let space = String(repeating: " ", count: max(1, 12 - name.count))
    let mark = state == .good ? "" : " (\(state.rawValue))"
    let line = "\(name)\(space)\(found)\(mark)"
    return advice.map { line + "\n" + String(repeating: " ", count: 12) + "-> \($0)" } ?? line
  }
}
