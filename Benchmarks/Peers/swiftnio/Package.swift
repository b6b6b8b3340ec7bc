// swift-tools-version: 6.1
import PackageDescription

// A peer for benchmarks; `build` beside this makes it, from a copy to which it adds the main package's
// generated messages. Nothing else of that package is used.

let package = Package(
  name: "swiftnio",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "swiftnio",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("InternalImportsByDefault"),
      ]
    )
  ]
)
