public import JetTensor

/// What a model costs, from its shape alone.
extension ModelConfiguration {
  /// Numbers in all parameters.
  public var parameterCount: Int {
    let head = tiesEmbeddings ? 0 : vocabularySize * width
    return vocabularySize * width + mixers.reduce(0) { $0 + layerParameterCount($1) } + width + head
  }

  /// Numbers in the parameters of a layer with that mixer: norms, mixer and MLP.
  public func layerParameterCount(_ mixer: MixerConfiguration) -> Int {
    2 * width + 3 * width * mlpWidth + mixer.parameterCount(width: width)
  }

  /// Bytes that a decode step moves between memory and processor.
  ///
  /// Weights are read once for all sequences, of an untied embedding only a row a token, which is
  /// not counted. Keys and values are read over the context and written for one token; the memory and
  /// window of a recurrent layer are read and written.
  ///
  /// - Parameters:
  ///   - context: tokens that each sequence looks back at, the new one included.
  ///   - sequences: how many of them there are.
  ///   - dtype: the type of weights, keys, values and windows; memories are float32.
  public func stepTraffic(context: Int, sequences: Int, dtype: DType) -> StepTraffic {
    let read = parameterCount - (tiesEmbeddings ? 0 : vocabularySize * width)
    var traffic = StepTraffic(
      weightBytes: read * dtype.byteCount, stateReadBytes: 0, stateWrittenBytes: 0)
    for mixer in mixers {
      switch mixer.sort {
      case .attention(let attention):
        let token = 2 * attention.keyValueHeads * attention.headWidth * dtype.byteCount
        traffic.stateReadBytes += sequences * min(context, attention.window ?? context) * token
        traffic.stateWrittenBytes += sequences * token
      case .linear(let linear):
        // All of a recurrent state is read and written anew.
        let state = sequences * linear.stateSizes.byteCount(dtype)
        traffic.stateReadBytes += state
        traffic.stateWrittenBytes += state
      }
    }
    return traffic
  }

  /// Floating-point operations to read tokens after others, a multiply-add counted as two.
  ///
  /// All products with weights, attention's two products over the tokens that each query sees, and
  /// those of each linear mixer with its memory token by token; the head once.
  ///
  /// - Parameters:
  ///   - tokens: how many are read.
  ///   - past: how many stand before them.
  public func prefillOperations(tokens: Int, past: Int) -> Double {
    var sum = 2 * Double(vocabularySize * width)
    for mixer in mixers {
      sum += 2 * Double(tokens) * Double(layerParameterCount(mixer))
      sum += mixingOperations(mixer, tokens: tokens, past: past)
    }
    return sum
  }

  /// Floating-point operations of a mixer alone to read the first tokens of a sequence: its products with weights, and
  /// those of tokens with tokens or with the memory.
  public func mixerOperations(_ mixer: MixerConfiguration, tokens: Int) -> Double {
    2 * Double(tokens) * Double(mixer.parameterCount(width: width))
      + mixingOperations(mixer, tokens: tokens, past: 0)
  }

  private func mixingOperations(_ mixer: MixerConfiguration, tokens: Int, past: Int) -> Double {
    switch mixer.sort {
    case .attention(let attention):
      let seen = (0..<tokens).reduce(0.0) { sum, token in
        sum + Double(min(past + token + 1, attention.window ?? .max))
      }
      return 4 * seen * Double(attention.heads * attention.headWidth)
    case .linear(let linear):
      let sizes = linear.stateSizes
      let memory = Double(sizes.heads * sizes.keyWidth * sizes.valueWidth)
      return 2 * Double(type(of: linear).memoryProducts) * Double(tokens) * memory
    }
  }
}

/// Bytes that a decode step moves.
public struct StepTraffic: Hashable, Sendable {
  /// Weights read.
  public var weightBytes: Int
  /// State read, keys and values among it.
  public var stateReadBytes: Int
  /// State written.
  public var stateWrittenBytes: Int

  /// All of them.
  public var bytes: Int { weightBytes + stateReadBytes + stateWrittenBytes }
}

extension MixerConfiguration {
  fileprivate func parameterCount(width: Int) -> Int {
    switch sort {
    case .attention(let attention):
      let query = attention.heads * attention.headWidth
      let both = query + 2 * attention.keyValueHeads * attention.headWidth
      let norms = attention.normalizesQueriesAndKeys ? 2 * attention.headWidth : 0
      return width * both + (attention.hasBias ? both : 0) + norms + query * width
    case .linear(let linear): return linear.parameterCount(width: width)
    }
  }
}
