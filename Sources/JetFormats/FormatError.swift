/// What is wrong with a file of weights, said in one sentence.
///
/// Programs look at ``fault``; people read ``description``, which names the file, the tensor if one
/// is concerned, what was found and what to do.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of fault, one for each rule that a file can break.
  public enum Fault: String, Hashable, Sendable, CaseIterable {
    // The file itself.
    case missingFile, notRegularFile, emptyFile, unreadableFile, ambiguousFolder
    case damagedCompression, missingLibrary
    // Text and structure.
    case truncated, headerTooLarge, invalidHeader, invalidText, nestingTooDeep
    case wrongMagic, unsupportedVersion, unsupportedFile, impossibleCount
    case duplicateKey, duplicateTensor, invalidName
    // Tensors.
    case unknownElementType, unsupportedElementType, invalidShape, sizeOverflow, partialBlock
    case invalidOffsets, misalignedOffset, outOfBounds, sizeMismatch, overlap, hole, trailingBytes
    case missingTensor
    // Metadata.
    case invalidAlignment, invalidMetadata, missingKey, wrongValueType, valueOutOfRange
    // Sharded checkpoints.
    case invalidShardName, tensorNotInShard, tensorNotInIndex
    // Writing.
    case diskFull, writeFailed, wrongByteCount
  }

  /// The kind of fault.
  public let fault: Fault
  /// The path of the file that was read or written.
  public let file: String
  /// The name of the tensor concerned, if there is one.
  public let tensor: String?
  /// What was found and what was expected.
  public let problem: String
  /// What the reader of the message can do about it.
  public let advice: String

  /// Makes an error.
  ///
  /// - Parameters:
  ///   - fault: the kind of fault.
  ///   - file: the path of the file.
  ///   - tensor: the name of the tensor concerned.
  ///   - problem: what was found and what was expected, without a full stop.
  ///   - advice: what to do, without a full stop.
  public init(
    _ fault: Fault, file: String, tensor: String? = nil, _ problem: String,
    advice: String = "the file is damaged or was not written by a correct program; get it again"
  ) {
    self.fault = fault
    self.file = file
    self.tensor = tensor
    self.problem = problem
    self.advice = advice
  }

  /// One sentence: file, tensor, fault, advice.
  public var description: String {
    let subject = tensor.map { "tensor \(quoted($0)): " } ?? ""
    return "\(printable(file)): \(subject)\(problem); \(advice)."
  }

  /// The same error about another tensor, for a caller who knows which one is being read.
  func about(tensor name: String) -> FormatError {
    FormatError(fault, file: file, tensor: name, problem, advice: advice)
  }
}

/// A name from a file between quotation marks, without control characters and at most 120
/// characters long.
func quoted(_ name: String) -> String {
  "'\(printable(name, limit: 120))'"
}

/// The text with control characters replaced, cut after `limit` scalars: names come from hostile
/// files and messages go to terminals and logs.
func printable(_ text: String, limit: Int = 4096) -> String {
  var result = String.UnicodeScalarView()
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == limit {
      result.append("…")
      break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
      result.append("\u{FFFD}")
    default:
      result.append(scalar)
    }
  }
  return String(result)
}
