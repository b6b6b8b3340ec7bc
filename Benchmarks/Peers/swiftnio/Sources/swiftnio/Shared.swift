import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What all connections of the server share.
final class Shared {
  /// The answers to one read of one connection; reused by the next.
  var output = ByteBuffer()
  var clientCount: UInt32 = 0

  private var millisecond: Int64 = -1
  private var second = -1
  private var fields = tm()
  private var text = ""

  /// The local time as 19 characters, made once a millisecond; the time zone is asked once a second.
  func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let millisecond = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec / 1_000_000)
    guard millisecond != self.millisecond else { return text }
    self.millisecond = millisecond
    if now.tv_sec != second {
      second = now.tv_sec
      localtime_r(&now.tv_sec, &fields)
    }
    text = String(unsafeUninitializedCapacity: 19) { bytes in
      var position = 0
      func put(_ number: Int, _ digits: Int) {
        var rest = number
        for index in stride(from: position + digits - 1, through: position, by: -1) {
          bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
          rest /= 10
        }
        position += digits
      }
      put(Int(fields.tm_year) + 1900, 4)
      put(Int(fields.tm_mon) + 1, 2)
      put(Int(fields.tm_mday), 2)
      bytes[position] = UInt8(ascii: "T")
      position += 1
      put(Int(fields.tm_hour), 2)
      put(Int(fields.tm_min), 2)
      put(Int(fields.tm_sec), 2)
      bytes[position] = UInt8(ascii: ".")
      position += 1
      put(now.tv_nsec / 1_000_000, 3)
      return position
    }
    return text
  }
}
