import UVNetTestKit

extension SplitMix64 {
  mutating func byte() -> UInt8 {
    UInt8(truncatingIfNeeded: next())
  }
}

/// Seeds for tests with random input: some that stay, and one that is new in every run.
///
/// A failure names the seed as the test's argument; put it here to repeat it.
let seeds: [UInt64] = [1, 2, 3, .random(in: .min ... .max)]
