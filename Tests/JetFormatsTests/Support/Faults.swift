import Foundation
import JetFormats

/// The fault that `body` throws; nil if it throws none.
func fault<Result>(_ body: () throws(FormatError) -> Result) -> FormatError.Fault? {
  do throws(FormatError) {
    _ = try body()
    return nil
  } catch {
    return error.fault
  }
}

/// The fault of whatever `body` throws; nil if it throws nothing or something else.
func anyFault<Result>(_ body: () throws -> Result) -> FormatError.Fault? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? FormatError)?.fault
  }
}

/// Reads every tensor of a container in both ways and says how many bytes were touched.
///
/// Tensors of more than 2²⁰ elements are not read: a mutated file may truthfully declare none,
/// since its bytes lie in the file, but the bound keeps a mistake here from taking all memory.
func readAll(_ container: some TensorContainer) throws -> Int {
  var total = 0
  for name in container.names {
    let tensor = try container.tensor(name)
    tensor.withBytes { bytes in total += bytes.reduce(0) { $0 &+ Int($1) } & 1 }
    total += tensor.entry.byteCount
    guard tensor.entry.elementType.isReadableAsFloat, tensor.entry.elementCount <= 1 << 20 else {
      continue
    }
    _ = try floats(of: tensor)
    _ = try bfloat16Bits(of: tensor)
  }
  return total
}

func floats(of tensor: StoredTensor, rows: Range<Int>? = nil) throws -> [Float] {
  let count = (rows?.count ?? tensor.entry.rowCount) * tensor.entry.columnCount
  var values = [Float](repeating: .nan, count: count)
  try values.withUnsafeMutableBufferPointer { try tensor.read(rows: rows, into: $0) }
  return values
}

func bfloat16Bits(of tensor: StoredTensor, rows: Range<Int>? = nil) throws -> [UInt16] {
  let count = (rows?.count ?? tensor.entry.rowCount) * tensor.entry.columnCount
  var values = [UInt16](repeating: 0x7FC0, count: count)
  try values.withUnsafeMutableBufferPointer { try tensor.read(rows: rows, intoBFloat16: $0) }
  return values
}
