import Foundation
import JetKernels
import JetModels
import JetTestSupport
import Testing

@testable import JetCheckpoint

@Suite("Scaled positions")
struct RotaryScalingTests {
  struct Case: Decodable, CustomTestStringConvertible {
    let name: String
    let theta: Double
    let width: Int
    let positions: Int
    let length: Int
    let radians: [Double]
    let magnitude: Double
    var testDescription: String { name }
  }

  /// Made by `make_rotary.py`, which stands beside it.
  private static let file = fixtures.appending(path: "rotary.json")

  @Test("The frequencies are those of transformers")
  func frequencies() throws {
    let data = try Data(contentsOf: Self.file)
    let cases = try JSONDecoder().decode([Case].self, from: data)
    let objects = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    #expect(cases.count == 8)
    for (item, object) in zip(cases, objects) {
      let configuration: [String: Any] = [
        "model_type": "llama", "num_hidden_layers": 1, "hidden_size": item.width * 2,
        "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 8,
        "max_position_embeddings": item.positions, "rope_theta": item.theta,
        "rope_scaling": try #require(object["rope_scaling"]),
      ]
      let rotary = try ModelConfiguration(
        huggingFace: JSONSerialization.data(withJSONObject: configuration), file: "config.json"
      ).rotary
      let (radians, magnitude) = rotary.frequencies(headWidth: item.width, length: item.length)
      #expect(radians.count == item.radians.count)
      let worst = zip(radians, item.radians).map { abs(Double($0) / $1 - 1) }.max() ?? .infinity
      #expect(worst <= 1e-6, "\(item.name): \(worst)")
      #expect(abs(Double(magnitude) - item.magnitude) <= 1e-6, "\(item.name)")
    }
  }
}
