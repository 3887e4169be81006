import Foundation

/// Unicode normalization form C, in time linear in the text.
///
/// Hugging Face `tokenizers` normalizes by the data of Unicode 9; later versions never change what
/// they found, so scalars that came later are taken as starters that compose with nothing.
/// Decompositions come from Foundation one scalar at a time; ordering and composition are done
/// here, because Foundation's own normalization of a text takes quadratic time on long runs of
/// combining marks.
///
/// - Source: [Unicode Standard Annex 15](https://www.unicode.org/reports/tr15/), and sections 3.11
///   and 3.12 of the Unicode Standard for the algorithm and the Hangul arithmetic.
enum CanonicalComposition {
  /// Every scalar below this one is its own normal form and composes with no scalar before it.
  private static let firstLeadByteToLookAt: UInt8 = 0xCC

  /// The normal form, or nil if `text`, which is valid UTF-8, is in normal form C already.
  static func composed(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard var position = text.firstIndex(where: { $0 >= firstLeadByteToLookAt }) else {
      return nil
    }
    let data = CanonicalData.shared
    var result: [UInt8]?
    var copied = 0
    var lastInert = position
    var hasInert = false
    if position > 0 {
      lastInert = text.startOfScalar(before: position)
      hasInert = true
    }
    while position < text.count {
      let (value, count) = text.scalarValue(at: position)
      if data.isInert(value) {
        lastInert = position
        hasInert = true
        position += count
        continue
      }
      let start = hasInert ? lastInert : position
      var end = position + count
      while end < text.count {
        let (next, nextCount) = text.scalarValue(at: end)
        if data.isInert(next) { break }
        end += nextCount
      }
      let segment = composedSegment(text, from: start, to: end, data)
      if !segment.elementsEqual(text[start..<end]) {
        result = result ?? []
        result?.append(contentsOf: text[copied..<start])
        result?.append(contentsOf: segment)
        copied = end
      }
      position = end
      hasInert = false
    }
    result?.append(contentsOf: text[copied...])
    return result
  }

  private static func composedSegment(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, _ data: CanonicalData
  ) -> [UInt8] {
    var values: [UInt32] = []
    var position = start
    while position < end {
      let (value, count) = text.scalarValue(at: position)
      data.appendDecomposition(of: value, to: &values)
      position += count
    }
    order(&values, data)
    compose(&values, data)
    var result: [UInt8] = []
    for scalar in values.lazy.compactMap(Unicode.Scalar.init) {
      result.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
    }
    return result
  }

  /// Sorts each run of combining marks by combining class, equal ones in the order they had.
  private static func order(_ values: inout [UInt32], _ data: CanonicalData) {
    var start = 0
    while start < values.count {
      guard data.combiningClass(values[start]) != 0 else {
        start += 1
        continue
      }
      var end = start
      var keys: [UInt64] = []
      while end < values.count {
        let order = data.combiningClass(values[end])
        guard order != 0 else { break }
        keys.append(UInt64(order) << 56 | UInt64(end))
        end += 1
      }
      if keys.count > 1 {
        keys.sort()
        let marks = keys.map { values[Int($0 & ((1 << 56) - 1))] }
        values.replaceSubrange(start..<end, with: marks)
      }
      start = end
    }
  }

  /// Joins each starter with the marks after it that are not blocked.
  private static func compose(_ values: inout [UInt32], _ data: CanonicalData) {
    var starter: Int?
    var lastClass: UInt8 = 0
    var kept = 0
    for index in values.indices {
      let value = values[index]
      let order = data.combiningClass(value)
      if let starter, kept == starter + 1 || (lastClass < order && lastClass != 0),
        let joined = data.composition(values[starter], value)
      {
        values[starter] = joined
        continue
      }
      if order == 0 { starter = kept }
      lastClass = order
      values[kept] = value
      kept += 1
    }
    values.removeSubrange(kept...)
  }
}
