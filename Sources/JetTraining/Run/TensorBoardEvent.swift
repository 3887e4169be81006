/// An event of TensorBoard: some numbers at a step, or the version that begins a file.
///
/// As a message of protocol buffers: `Event {1: wall_time (double), 2: step (int64), 3: file_version, 5: Summary}`,
/// `Summary {1: Value…}`, `Value {1: tag, 2: simple_value (float)}`.
///
/// - Source: `tensorflow/core/util/event.proto`, `tensorflow/core/framework/summary.proto`.
struct TensorBoardEvent: Hashable {
  /// Seconds since 1970.
  var time: Double
  var step: Int
  /// Present in a file's first event only.
  var version: String?
  /// In the order of their tags.
  var scalars: [Scalar] = []

  struct Scalar: Hashable {
    var tag: String
    var value: Float
  }

  /// What every file begins with.
  static func first(time: Double) -> TensorBoardEvent {
    TensorBoardEvent(time: time, step: 0, version: "brain.Event:2")
  }

  /// The message.
  var message: [UInt8] {
    var bytes: [UInt8] = [1 << 3 | 1] + time.bitPattern.littleEndianBytes
    bytes += [2 << 3] + varint(UInt64(bitPattern: Int64(step)))
    if let version { bytes += field(3, Array(version.utf8)) }
    if !scalars.isEmpty {
      let values = scalars.flatMap { scalar in
        field(
          1,
          field(1, Array(scalar.tag.utf8)) + [2 << 3 | 5]
            + scalar.value.bitPattern.littleEndianBytes)
      }
      bytes += field(5, values)
    }
    return bytes
  }

  /// The message as a TFRecord: length, its masked checksum, the message, its masked checksum.
  var record: [UInt8] {
    let message = message
    let length = UInt64(message.count).littleEndianBytes
    return length + CRC32C.masked(length).littleEndianBytes + message
      + CRC32C.masked(message).littleEndianBytes
  }

  private func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + varint(UInt64(content.count)) + content
  }
}

extension FixedWidthInteger {
  /// The bytes, the lowest first.
  var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
