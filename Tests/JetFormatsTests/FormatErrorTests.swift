import JetFormats
import Testing

@Suite("FormatError")
struct FormatErrorTests {
  @Test("The description is one sentence with file, tensor, fault and advice")
  func sentence() {
    let error = FormatError(
      .sizeMismatch, file: "/models/a.safetensors", tensor: "w", "4 bytes were found, not 8",
      advice: "get it again")
    #expect(
      error.description
        == "/models/a.safetensors: tensor 'w': 4 bytes were found, not 8; get it again.")
  }

  @Test("Names from files cannot send control characters or floods to a terminal")
  func hostileNames() {
    let name = "\u{1B}[2J\r\n\u{202E}" + String(repeating: "x", count: 1_000_000)
    let text = FormatError(.hole, file: "f", tensor: name, "p").description
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
    #expect(text.count < 400)
  }
}
