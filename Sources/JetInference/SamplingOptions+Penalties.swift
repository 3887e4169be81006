extension SamplingOptions {
  /// Applies the three penalties in place: repetition to every token seen, then presence and
  /// frequency to the generated ones.
  ///
  /// `l ← l / r` if `l > 0`, else `l · r`; then `l ← l − presence − count · frequency`.
  ///
  /// - Source: Keskar et al. 2019, [arXiv:1909.05858](https://arxiv.org/abs/1909.05858), for the
  ///   repetition penalty (with the sign rule of Hugging Face's `RepetitionPenaltyLogitsProcessor`).
  func applyPenalties(
    to logits: UnsafeMutableBufferPointer<Float>, history: TokenHistory
  ) throws(SamplingError) {
    if repetitionPenalty != 1 {
      for token in history.seen(window: penaltyWindow) {
        try check(token, logits.count)
        let logit = logits[token]
        logits[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty
      }
    }
    if presencePenalty != 0 || frequencyPenalty != 0 {
      for (token, count) in history.generatedCounts(window: penaltyWindow) {
        try check(token, logits.count)
        logits[token] -= presencePenalty + Float(count) * frequencyPenalty
      }
    }
  }

  private func check(_ token: Int, _ vocabularySize: Int) throws(SamplingError) {
    guard token >= 0, token < vocabularySize else {
      throw .tokenOutOfRange(token: token, vocabularySize: vocabularySize)
    }
  }
}
