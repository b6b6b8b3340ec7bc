// swift-tools-version: 6.2
import PackageDescription

// A TLS server for `Benchmarks/tls`; `build` beside this makes it. It is no part of Benchmarks, whose
// other programs need no OpenSSL.

let package = Package(
  name: "tls-uvnet",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "UVNet", path: "../../..", traits: ["TLS"])],
  targets: [
    .executableTarget(
      name: "tls-uvnet",
      dependencies: [
        .product(name: "UVNet", package: "UVNet"), .product(name: "UVNetTLS", package: "UVNet"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]
    )
  ]
)
