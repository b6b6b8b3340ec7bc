/// A small random generator whose sequence its seed decides, so that a failure can be repeated.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number of 0 ..< `bound`, which must be above 0; the small bias does not matter here.
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next() >> 33) % bound
  }

  mutating func byte() -> UInt8 {
    UInt8(truncatingIfNeeded: next())
  }
}

/// Seeds for tests with random input: some that stay, and one that is new in every run.
///
/// A failure names the seed as the test's argument; put it here to repeat it.
let seeds: [UInt64] = [1, 2, 3, .random(in: .min ... .max)]
