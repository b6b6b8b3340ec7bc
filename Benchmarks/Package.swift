// swift-tools-version: 6.2
import PackageDescription

// Benchmarks of the codec, the clock and timers: a package of its own, so that whoever embeds UVNet
// never sees it. `micro` beside this measures time, `instructions` counts instructions.

let warningsAreErrors = Context.environment["UVNET_WARNINGS_AS_ERRORS"] != nil
let strict: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "UVNet", path: ".."),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/google/swift-benchmark", from: "0.1.2"),
  ],
  targets: [
    // What is measured. `SleepQueue`, `FastAnswer` and swift-protobuf's messages are links into the
    // main package, which does not export them.
    .target(
      name: "Operations",
      dependencies: [
        .product(name: "UVNet", package: "UVNet"),
        .product(name: "TestTaskProto", package: "UVNet"),
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "Micro",
      dependencies: ["Operations", .product(name: "Benchmark", package: "swift-benchmark")],
      swiftSettings: strict
    ),
    // Without the benchmark library, so that CI has less to build.
    .executableTarget(name: "Instructions", dependencies: ["Operations"], swiftSettings: strict),
  ]
)
