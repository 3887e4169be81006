import Foundation
import JetInference
import Testing

struct SamplingOptionsTests {
  @Test(arguments: [
    #"{"temperature": -1}"#, #"{"topK": 0}"#, #"{"topK": -5}"#, #"{"topP": 0}"#,
    #"{"topP": 1.5}"#, #"{"minP": -0.1}"#, #"{"minP": 2}"#, #"{"repetitionPenalty": 0}"#,
    #"{"repetitionPenalty": -1}"#, #"{"penaltyWindow": -1}"#, #"{"logitBias": {"-1": 2}}"#,
  ])
  func `hostile options are refused as they are decoded`(text: String) {
    #expect(throws: SamplingError.self) {
      try JSONDecoder().decode(SamplingOptions.self, from: Data(text.utf8))
    }
  }

  @Test func `NaN and infinity are refused`() {
    let paths: [WritableKeyPath<SamplingOptions, Float>] = [
      \.temperature, \.topP, \.minP, \.repetitionPenalty, \.presencePenalty, \.frequencyPenalty,
    ]
    for path in paths {
      for value in [Float.nan, .infinity, -.infinity] {
        var options = SamplingOptions()
        options[keyPath: path] = value
        #expect(throws: SamplingError.self) { try options.validate() }
      }
    }
  }

  @Test func `a bias that is not finite is refused`() {
    var options = SamplingOptions()
    options.logitBias = [3: .nan]
    #expect(throws: SamplingError.self) { try options.validate() }
  }

  @Test func `the message names the option, its value and its range`() {
    var options = SamplingOptions()
    options.topP = 2
    let error = #expect(throws: SamplingError.self) { try options.validate() }
    #expect(
      error?.description == "The sampling option topP is 2.0; give above 0 and at most 1.")
  }

  @Test func `an unknown key is refused`() {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(SamplingOptions.self, from: Data(#"{"top_k": 3}"#.utf8))
    }
  }

  @Test func `options survive encoding, and missing keys take defaults`() throws {
    var options = SamplingOptions()
    options.temperature = 0.5
    options.topK = 7
    options.penaltyWindow = 64
    options.logitBias = [5: -100, 2: 1.5]
    options.seed = .max
    let data = try JSONEncoder().encode(options)
    #expect(try JSONDecoder().decode(SamplingOptions.self, from: data) == options)
    let empty = try JSONDecoder().decode(SamplingOptions.self, from: Data("{}".utf8))
    #expect(empty == SamplingOptions())
  }
}
