// swift-tools-version: 6.2
import PackageDescription

// The fuzz driver: a package of its own, because it is built with the sanitizers' flags of
// `scripts/fuzz`, which also links it: libFuzzer brings `main`.

let package = Package(
  name: "Fuzz",
  platforms: [.macOS(.v15)],
  products: [.library(name: "FuzzDriver", type: .static, targets: ["FuzzDriver"])],
  dependencies: [.package(name: "UVNet", path: "..", traits: ["Programs", "TLS"])],
  targets: [
    .target(
      name: "FuzzDriver",
      dependencies: [.product(name: "TestTaskFuzzProperties", package: "UVNet")],
      swiftSettings: [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ])
  ]
)
