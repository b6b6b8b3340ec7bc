import Testing

@testable import TestTaskClientCore

@Suite struct HistogramTests {
  @Test("buckets follow each other without a gap, each within 1/64")
  func buckets() {
    var last = -1
    var value: UInt64 = 0
    while value < .max / 2 {
      let bucket = Histogram.bucket(of: value)
      #expect(bucket == last || bucket == last + 1)
      last = bucket
      let middle = Double(Histogram.middle(ofBucket: bucket))
      #expect(abs(middle - Double(value)) <= (value < 64 ? 0 : Double(value) / 64))
      value += max(1, value / 64)
    }
    #expect(Histogram.bucket(of: .max) < 2048)
  }

  @Test("quantiles are near the true ones")
  func quantiles() throws {
    var histogram = Histogram()
    #expect(histogram.quantile(0.5) == nil)
    for value in (1...10_000).shuffled() { histogram.record(UInt64(value) * 1000) }
    #expect(histogram.minimum == 1000)
    #expect(histogram.maximum == 10_000_000)
    #expect(histogram.quantile(1) == 10_000_000)
    for share in [0.1, 0.5, 0.9, 0.99] {
      let value = Double(try #require(histogram.quantile(share)))
      #expect(abs(value / (share * 10_000_000) - 1) <= 1.0 / 64)
    }
  }

  @Test("the greatest value fits")
  func extremes() {
    var histogram = Histogram()
    histogram.record(.max)
    histogram.record(0)
    #expect(histogram.quantile(0.5) == 0)
    #expect(histogram.quantile(1).map { $0 > .max / 2 } == true)
  }
}
