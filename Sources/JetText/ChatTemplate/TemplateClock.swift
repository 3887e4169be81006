public import Foundation

/// The time that `strftime_now` writes.
public struct TemplateClock: Sendable {
  /// Returns the present moment.
  public var now: @Sendable () -> Date
  /// The time zone in which it is written.
  public var timeZone: TimeZone

  /// Creates a clock; tests give it a fixed moment.
  public init(timeZone: TimeZone, now: @escaping @Sendable () -> Date) {
    self.now = now
    self.timeZone = timeZone
  }

  /// The clock and time zone of this machine.
  public static let system = TemplateClock(timeZone: .current) { Date() }

  /// Returns the present moment written by a `strftime` format, with English names; `nil` where
  /// the format has a directive that is not known.
  ///
  /// - Complexity: O(length of the format).
  func formatted(_ format: String) -> String? {
    let moment = now()
    let offset = timeZone.secondsFromGMT(for: moment)
    let seconds = moment.timeIntervalSince1970.rounded(.down)
    // Years -9999 to 9999 or so; a clock outside of them is not worth a wider calendar.
    guard abs(seconds) < 3e11 else { return nil }
    let fields = CalendarFields(secondsSinceEpoch: Int(seconds) + offset)
    var result = ""
    var scalars = format.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      guard var directive = scalars.next() else { return nil }
      let isUnpadded = directive == "-"
      if isUnpadded {
        guard let next = scalars.next() else { return nil }
        directive = next
      }
      guard let text = fields.text(directive, isUnpadded: isUnpadded, clock: self, at: moment)
      else { return nil }
      result += text
    }
    return result
  }
}

/// A moment of the proleptic Gregorian calendar.
private struct CalendarFields {
  var year: Int
  var month: Int  // 1...12
  var day: Int  // 1...31
  var dayOfYear: Int  // 1...366
  var weekday: Int  // 0 is Sunday
  var hour: Int
  var minute: Int
  var second: Int

  /// Days to date by Howard Hinnant's `civil_from_days`: eras of 400 years from 1 March.
  init(secondsSinceEpoch: Int) {
    let days = Int((Double(secondsSinceEpoch) / 86_400).rounded(.down))
    let secondOfDay = secondsSinceEpoch - days * 86_400
    hour = secondOfDay / 3600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
    weekday = ((days + 4) % 7 + 7) % 7
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayFromMarch + 2) / 153
    day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
    dayOfYear = daysBefore[month - 1] + day + (isLeap && month > 2 ? 1 : 0)
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let weekdays = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]

  func text(
    _ directive: Unicode.Scalar, isUnpadded: Bool, clock: TemplateClock, at moment: Date
  ) -> String? {
    func padded(_ number: Int, _ width: Int = 2) -> String {
      let digits = String(number)
      return isUnpadded
        ? digits : String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let hourOfTwelve = hour % 12 == 0 ? 12 : hour % 12
    let offsetMinutes = clock.timeZone.secondsFromGMT(for: moment) / 60
    switch directive {
    case "Y": return String(year)
    case "y": return padded((year % 100 + 100) % 100)
    case "m": return padded(month)
    case "d": return padded(day)
    case "e": return isUnpadded || day > 9 ? String(day) : " \(day)"
    case "j": return padded(dayOfYear, 3)
    case "H": return padded(hour)
    case "I": return padded(hourOfTwelve)
    case "M": return padded(minute)
    case "S": return padded(second)
    case "f": return "000000"
    case "p": return hour < 12 ? "AM" : "PM"
    case "B": return Self.months[month - 1]
    case "b", "h": return String(Self.months[month - 1].prefix(3))
    case "A": return Self.weekdays[weekday]
    case "a": return String(Self.weekdays[weekday].prefix(3))
    case "w": return String(weekday)
    case "u": return String(weekday == 0 ? 7 : weekday)
    case "F": return "\(year)-\(padded(month))-\(padded(day))"
    case "T", "X": return "\(padded(hour)):\(padded(minute)):\(padded(second))"
    case "R": return "\(padded(hour)):\(padded(minute))"
    case "D", "x": return "\(padded(month))/\(padded(day))/\(padded((year % 100 + 100) % 100))"
    case "z":
      let size = abs(offsetMinutes)
      return (offsetMinutes < 0 ? "-" : "+") + padded(size / 60) + padded(size % 60)
    case "n": return "\n"
    case "t": return "\t"
    case "%": return "%"
    default: return nil
    }
  }
}
