/// A safetensors file of a header's text and data, faulty or not.
func safetensorsBytes(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  littleEndian(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data
}

/// A sound file: three tensors, one of them empty, and metadata.
let soundSafetensors = safetensorsBytes(
  #"{"__metadata__":{"format":"pt","note":"line\nend \u00fc \ud83d\ude00"},"b":{"dtype":"F32","#
    + #""shape":[2,3],"data_offsets":[0,24]},"a":{"dtype":"BF16","shape":[2],"data_offsets":"#
    + #"[24,28]},"empty":{"shape":[0,5],"dtype":"I64","data_offsets":[28,28]}}  "#,
  data: rawBytes([Float(1), 2, 3, 4, 5, -6]) + rawBytes([UInt16(0x3F80), 0xC000]))
