/// Why a token could not be chosen.
public enum SamplingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An option lies outside its range.
  case invalidOption(name: String, value: String, expected: String)
  /// The vocabulary has no tokens.
  case invalidVocabularySize(Int)
  /// A biased or remembered token is not in the vocabulary.
  case tokenOutOfRange(token: Int, vocabularySize: Int)
  /// There are not as many logits as tokens.
  case wrongLogitCount(found: Int, vocabularySize: Int)
  /// A logit is not a number or positive infinity.
  case invalidLogit(token: Int, value: String)
  /// Every logit is negative infinity.
  case everyTokenExcluded(vocabularySize: Int)

  /// One sentence: what was found, what was expected and what to do.
  public var description: String {
    switch self {
    case .invalidOption(let name, let value, let expected):
      "The sampling option \(name) is \(value); give \(expected)."
    case .invalidVocabularySize(let size):
      "The vocabulary has \(size) tokens; give the model's size, 1 or more."
    case .tokenOutOfRange(let token, let size):
      "Token \(token) is not in the vocabulary of \(size) tokens; give ids from 0 to \(size - 1)."
    case .wrongLogitCount(let found, let size):
      "The model returned \(found) logits for a vocabulary of \(size) tokens; give one a token."
    case .invalidLogit(let token, let value):
      "The logit of token \(token) is \(value) after bias and penalties, expected a finite number "
        + "or -inf; check the model's weights and the size of bias and penalties."
    case .everyTokenExcluded(let size):
      "All \(size) logits are -inf, so no token can be chosen; check the mask and the model."
    }
  }
}
