// swift-tools-version: 6.2
import PackageDescription

// Benchmarks of the codec, the clock and timers: a package of its own, so that whoever embeds UVNet
// needs no benchmark library. `micro` beside this measures time, `instructions` counts instructions.
// What they measure is in Operations, a target of the main package, which reaches what that package
// does not export.

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
    .package(url: "https://github.com/google/swift-benchmark", from: "0.1.2"),
  ],
  targets: [
    .executableTarget(
      name: "Micro",
      dependencies: [
        .product(name: "TestTaskOperations", package: "UVNet"),
        .product(name: "Benchmark", package: "swift-benchmark"),
      ],
      swiftSettings: strict
    ),
    // What `echo` compares.
    .executableTarget(
      name: "Echo", dependencies: [.product(name: "UVNet", package: "UVNet")],
      swiftSettings: strict
    ),
    // Without the benchmark library, so that CI has less to build.
    .executableTarget(
      name: "Instructions",
      dependencies: [.product(name: "TestTaskOperations", package: "UVNet")],
      swiftSettings: strict
    ),
  ]
)
