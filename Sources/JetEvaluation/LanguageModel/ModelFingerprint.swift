import Foundation
public import JetModels
import JetTensor
public import JetText

/// Names for what a model's answers depend on: its weights, its shape, its tokenizer, its element type.
public enum ModelFingerprint {
  /// Of a model with its tokenizer, 32 hexadecimal digits.
  static func text(
    _ model: HybridModel, _ tokenizer: Tokenizer, _ endTokens: Set<Int>
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var hash = SHA256()
    hash.update(try encoder.encode(model.configuration))
    hash.update(Data("\(model.dtype) \(endTokens.sorted())".utf8))
    update(&hash, tokenizer)
    try update(&hash, model.parameters)
    return String(hash.finish().prefix(32))
  }

  /// Of weights, their names, shapes and type, 32 hexadecimal digits. All weights are read.
  ///
  /// - Throws: what libtorch reports while weights are read.
  public static func text(_ parameters: ParameterStore) throws -> String {
    var hash = SHA256()
    hash.update(Data("\(parameters.dtype)".utf8))
    try update(&hash, parameters)
    return String(hash.finish().prefix(32))
  }

  /// Of a tokenizer, 32 hexadecimal digits.
  public static func text(_ tokenizer: Tokenizer) -> String {
    var hash = SHA256()
    update(&hash, tokenizer)
    return String(hash.finish().prefix(32))
  }

  private static func update(_ hash: inout SHA256, _ tokenizer: Tokenizer) {
    for id in 0..<tokenizer.vocabularySize {
      hash.update(Data((tokenizer.token(of: id) ?? "").utf8))
      hash.update(Data([0]))
    }
    hash.update(Data("\(tokenizer.encode("The 1st Test,  it's 2024:\n\tНа 你好!"))".utf8))
  }

  private static func update(_ hash: inout SHA256, _ parameters: ParameterStore) throws {
    for parameter in parameters.parameters {
      let mixed = try withTorchErrors {
        parameter.tensor.detached().to(.cpu).contiguous().withBytes { mix($0) }
      }
      hash.update(Data("\(parameter.name) \(parameter.tensor.shape) \(mixed)".utf8))
    }
  }

  /// 64 bits that depend on every byte; not made against forgers, but as fast as memory.
  static func mix(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var (a, b): (UInt64, UInt64) = (0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9)
    var offset = 0
    while offset + 16 <= bytes.count {
      let first = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      let second = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
      a = (a ^ first) &* 0x9fb2_1c65_1e98_df25
      b = (b ^ second) &* 0xd6e8_feb8_6659_fd93
      a ^= a >> 32
      b ^= b >> 32
      offset += 16
    }
    while offset < bytes.count {
      a = (a ^ UInt64(bytes[offset])) &* 0x100_0000_01b3
      offset += 1
    }
    let joined = (a ^ (b &* 0x94d0_49bb_1331_11eb) ^ UInt64(bytes.count)) &* 0xff51_afd7_ed55_8ccd
    return joined ^ (joined >> 29)
  }
}
