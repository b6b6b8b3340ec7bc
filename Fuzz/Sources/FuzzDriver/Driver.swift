import TestTaskFuzzProperties

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The property that this process looks for an exception to, named by `FUZZ_TARGET`.
private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
    complain("FUZZ_TARGET must be one of \(names), not \"\(name)\"")
    exit(64)
  }
  return target
}()

/// What libFuzzer calls before the first input.
///
/// Answers `scripts/fuzz`, which asks for the targets' names with `FUZZ_TARGET=list`.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> CInt {
  if getenv("FUZZ_TARGET").map({ String(cString: $0) }) == "list" {
    for target in FuzzTarget.allCases { print(target.rawValue) }
    exit(0)
  }
  return 0
}

/// What libFuzzer calls for each input; ends the process at a finding, as libFuzzer expects.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do throws(Finding) {
    try target.check([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    complain("FINDING in \(target.rawValue): \(error.message)")
    abort()
  }
  return 0
}

private func complain(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = write(STDERR_FILENO, line, line.count)
}
