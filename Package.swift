// swift-tools-version: 6.2
import PackageDescription

// CI sets this variable. Warnings are not errors for everybody: a newer compiler may have new ones.
let warningsAreErrors = Context.environment["UVNET_WARNINGS_AS_ERRORS"] != nil

/// Whether documentation is built, by scripts/docs or by the Swift Package Index: that of UVNetTLS, too.
let buildsDocumentation =
  Context.environment["UVNET_DOCS"] != nil || Context.environment["SPI_GENERATE_DOCS"] != nil

let strict: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

/// What every target of Sources is built with.
let safe = strict + [.strictMemorySafety()]

let package = Package(
  name: "UVNet",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "UVNet", targets: ["UVNet"]),
    // Empty unless the trait TLS is on.
    .library(name: "UVNetTLS", targets: ["UVNetTLS"]),
    .library(name: "UVNetTestKit", targets: ["UVNetTestKit"]),
    .library(name: "TestTaskProto", targets: ["TestTaskProto"]),
    .library(name: "TestTaskMessages", targets: ["TestTaskMessages"]),
    // For Fuzz/ and Benchmarks/ alone.
    .library(name: "TestTaskFuzzProperties", targets: ["TestTaskFuzzProperties"]),
    .library(name: "TestTaskOperations", targets: ["TestTaskOperations"]),
    .executable(name: "testtask-server", targets: ["TestTaskServer"]),
    .executable(name: "testtask-client", targets: ["TestTaskClient"]),
  ],
  traits: [
    .default(enabledTraits: buildsDocumentation ? ["Programs", "TLS"] : ["Programs"]),
    .trait(
      name: "Programs",
      description: "The protocol and the two programs. Without it UVNet needs no other package."),
    .trait(name: "TLS", description: "UVNetTLS: TLS for streams, by the system's OpenSSL 3."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
  ],
  targets: [
    .systemLibrary(
      name: "CLibUV",
      pkgConfig: "libuv",
      providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]
    ),
    .systemLibrary(name: "CSwiftRuntime"),
    .target(
      name: "UVNet",
      dependencies: ["CLibUV", "CSwiftRuntime"],
      swiftSettings: safe
    ),
    .systemLibrary(
      name: "COpenSSL",
      pkgConfig: "openssl",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]
    ),
    .target(
      name: "UVNetTLS",
      dependencies: ["UVNet", .target(name: "COpenSSL", condition: .when(traits: ["TLS"]))],
      swiftSettings: strict + [.strictMemorySafety()]
    ),
    .target(
      name: "TestTaskProto",
      dependencies: [
        .product(
          name: "SwiftProtobuf", package: "swift-protobuf", condition: .when(traits: ["Programs"]))
      ],
      swiftSettings: safe
    ),
    .target(
      name: "TestTaskMessages", dependencies: ["UVNet", "TestTaskProto"],
      swiftSettings: safe),
    .target(
      name: "TestTaskProgramBasics",
      dependencies: [
        "UVNet", "UVNetTLS", "TestTaskProto",
        .product(
          name: "ArgumentParser", package: "swift-argument-parser",
          condition: .when(traits: ["Programs"])),
      ],
      path: "Sources/ProgramBasics",
      swiftSettings: safe),
    .target(
      name: "TestTaskDaemonSupport",
      dependencies: ["TestTaskProgramBasics", "TestTaskProto", "UVNet", "UVNetTLS"],
      path: "Sources/DaemonSupport", swiftSettings: safe),
    .target(
      name: "TestTaskTerminalSupport", dependencies: ["TestTaskProgramBasics", "UVNet"],
      path: "Sources/TerminalSupport", swiftSettings: safe),
    .target(
      name: "TestTaskClientCore",
      dependencies: [
        "TestTaskProto", "TestTaskProgramBasics", "TestTaskTerminalSupport",
        .product(
          name: "DequeModule", package: "swift-collections", condition: .when(traits: ["Programs"])),
      ],
      path: "Sources/ClientCore", swiftSettings: safe),
    .target(name: "UVNetTestKit", dependencies: ["UVNet"], swiftSettings: safe),
    .target(
      name: "TestTaskServerCore",
      dependencies: [
        "TestTaskProto", "TestTaskProgramBasics", "TestTaskDaemonSupport",
        .product(
          name: "HeapModule", package: "swift-collections", condition: .when(traits: ["Programs"])),
      ],
      path: "Sources/ServerCore",
      swiftSettings: safe
    ),
    .executableTarget(
      name: "TestTaskServer",
      dependencies: [
        "UVNet", "TestTaskProto", "TestTaskProgramBasics", "TestTaskDaemonSupport",
        "TestTaskServerCore",
        .product(
          name: "ArgumentParser", package: "swift-argument-parser",
          condition: .when(traits: ["Programs"])),
      ],
      path: "Sources/Server",
      swiftSettings: safe
    ),
    .executableTarget(
      name: "TestTaskClient",
      dependencies: [
        "UVNet", "UVNetTLS", "TestTaskClientCore", "TestTaskProgramBasics",
        "TestTaskTerminalSupport",
        .product(
          name: "ArgumentParser", package: "swift-argument-parser",
          condition: .when(traits: ["Programs"])),
      ],
      path: "Sources/Client",
      swiftSettings: safe
    ),
    // What tests of several targets need.
    .target(
      name: "TestTaskTestSupport",
      dependencies: [.target(name: "COpenSSL", condition: .when(traits: ["TLS"]))],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "UVNetTests",
      dependencies: ["CLibUV", "TestTaskTestSupport", "UVNet", "UVNetTestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "UVNetTLSTests",
      dependencies: [
        "TestTaskTestSupport", "UVNet", "UVNetTLS", "UVNetTestKit",
        .target(name: "COpenSSL", condition: .when(traits: ["TLS"])),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TestTaskProtoTests",
      dependencies: ["TestTaskProto", "TestTaskMessages", "UVNetTestKit"],
      resources: [.copy("vectors.json")],
      swiftSettings: strict
    ),
    .testTarget(
      name: "DocumentationTests",
      dependencies: ["UVNet", "UVNetTestKit", "TestTaskProto", "TestTaskMessages"],
      swiftSettings: strict),
    .testTarget(
      name: "ProgramBasicsTests",
      dependencies: [
        "TestTaskTestSupport", "TestTaskProgramBasics", "TestTaskProto", "UVNet", "UVNetTLS",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "DaemonSupportTests",
      dependencies: [
        "TestTaskTestSupport", "TestTaskDaemonSupport", "TestTaskProgramBasics", "UVNet",
        "UVNetTestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TerminalSupportTests",
      dependencies: ["TestTaskTerminalSupport", "TestTaskProgramBasics", "UVNetTestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "ServerCoreTests",
      dependencies: [
        "TestTaskServerCore", "TestTaskDaemonSupport", "TestTaskProgramBasics", "TestTaskProto",
        "UVNetTestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ClientCoreTests",
      dependencies: [
        "TestTaskClientCore", "TestTaskProgramBasics", "TestTaskProto", "TestTaskTerminalSupport",
        "UVNetTestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ClientTests",
      dependencies: [
        "TestTaskClient", "TestTaskClientCore", "UVNet", "UVNetTestKit",
      ],
      swiftSettings: strict),
    .target(
      name: "TestTaskFuzzProperties",
      dependencies: [
        "UVNet", "UVNetTLS", "TestTaskTestSupport", "TestTaskProto", "TestTaskProgramBasics",
        "TestTaskDaemonSupport", "TestTaskTerminalSupport", "TestTaskServerCore",
        "TestTaskClientCore", .target(name: "COpenSSL", condition: .when(traits: ["TLS"])),
      ],
      path: "Tests/FuzzProperties",
      swiftSettings: strict
    ),
    .target(
      name: "TestTaskOperations",
      dependencies: ["UVNet", "TestTaskProto", "TestTaskDaemonSupport", "TestTaskServerCore"],
      path: "Benchmarks/Operations",
      swiftSettings: strict
    ),
    .testTarget(
      name: "FuzzTests", dependencies: ["TestTaskFuzzProperties"], swiftSettings: strict),
    // What async/await does to a whole process, for tests.
    .executableTarget(
      name: "AsyncProgram", dependencies: ["UVNet"], path: "Tests/AsyncProgram",
      swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "AsyncProgram", "TestTaskTestSupport", "UVNet", "UVNetTLS", "UVNetTestKit", "TestTaskProto",
        "TestTaskMessages", "TestTaskServer", "TestTaskClient",
      ],
      swiftSettings: strict
    ),
  ]
)

// The documentation's plugin is for who builds the documentation, and nothing that embedders fetch.
if Context.environment["UVNET_DOCS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
