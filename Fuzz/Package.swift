// swift-tools-version: 6.2
import PackageDescription

// The fuzz drivers: a package of its own, so that whoever embeds UVNet never sees it.
//
// Its sources are links into the main package. All modules are built here, as one package and with
// the sanitizers' flags of `scripts/fuzz`, which also links the driver: libFuzzer brings `main`.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "Fuzz",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "FuzzDriver", type: .static, targets: ["FuzzDriver"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
  ],
  targets: [
    .systemLibrary(name: "CLibUV", pkgConfig: "libuv"),
    .target(
      name: "UVNet", dependencies: ["CLibUV"], swiftSettings: strict + [.strictMemorySafety()]),
    .target(
      name: "TestTaskProto",
      dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      swiftSettings: strict
    ),
    .target(name: "ProgramSupport", dependencies: ["UVNet"], swiftSettings: strict),
    // The programs without their command lines, which would bring another `main`.
    .target(
      name: "Server",
      dependencies: [
        "UVNet", "TestTaskProto", "ProgramSupport",
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      exclude: ["ServerCommand.swift"],
      swiftSettings: strict
    ),
    .target(
      name: "Client",
      dependencies: [
        "UVNet", "TestTaskProto", "ProgramSupport",
        .product(name: "DequeModule", package: "swift-collections"),
      ],
      exclude: ["ClientCommandLine.swift", "ClientProgram.swift", "ClientProgram+Commands.swift"],
      swiftSettings: strict
    ),
    .target(
      name: "FuzzProperties",
      dependencies: ["UVNet", "TestTaskProto", "ProgramSupport", "Server", "Client"],
      swiftSettings: strict
    ),
    .target(name: "FuzzDriver", dependencies: ["FuzzProperties"], swiftSettings: strict),
  ]
)
