import JetInference
import JetModels
import JetTensor

/// An engine over ``EngineModel`` and requests that are waited for.
final class EngineCase {
  /// Who runs the steps.
  enum Runner: String {
    case graphs = "GraphRunner"
    case pools = "PooledRunner"
  }

  let engine: Engine

  /// - Parameter prefixBlock: at multiples of how many tokens states of shared beginnings are kept; nil for nowhere.
  init(
    _ runner: Runner, _ dtype: DType, on device: Device, sizes: PoolSizes, prefixBlock: Int? = nil
  ) throws {
    var options = EngineOptions()
    options.chunkTokens = 64
    if let prefixBlock {
      options.prefixes = PrefixOptions()
      options.prefixes?.blockTokens = prefixBlock
    }
    let model = try EngineModel.model(dtype, on: device)
    switch runner {
    case .graphs: engine = try Engine(runner: GraphRunner(model, sizes: sizes), options: options)
    case .pools: engine = try Engine(runner: PooledRunner(model, sizes: sizes), options: options)
    }
  }

  deinit { engine.shutdownAndWait(cancelling: true) }
}

extension Engine {
  /// The tokens of all requests, in their order, once all have ended.
  ///
  /// - Parameter isCancelled: whether the request of that index is cancelled after its third token.
  /// - Throws: the first error of a request; ``CheckError`` where nothing comes for a minute.
  func tokens(
    _ requests: [EngineRequest], isCancelled: (Int) -> Bool = { _ in false }
  ) throws -> [[Int]] {
    let mailbox = Mailbox<Message>()
    let ids = requests.enumerated().map { index, request in
      submit(request) { mailbox.post(Message(index: index, output: $0)) }
    }
    var tokens = [[Int]](repeating: [], count: requests.count)
    var left = requests.count
    while left > 0 {
      let messages = mailbox.take(timeoutSeconds: 60)
      guard !messages.isEmpty else { throw CheckError("the engine gave nothing for a minute") }
      for message in messages {
        switch try message.output.get() {
        case .token(let token):
          tokens[message.index].append(token)
          if tokens[message.index].count == 3, isCancelled(message.index) {
            cancel(ids[message.index])
          }
        case .finished: left -= 1
        }
      }
    }
    return tokens
  }
}

private struct Message: Sendable {
  let index: Int
  let output: Result<EngineOutput, any Error>
}
