// swift-tools-version: 6.2
import PackageDescription

let warningsAreErrors = Context.environment["UVNET_WARNINGS_AS_ERRORS"] != nil
let strict: [SwiftSetting] = warningsAreErrors ? [.treatAllWarnings(as: .error)] : []
let uvnet: Target.Dependency = .product(name: "UVNet", package: "UVNet")
let tls: Target.Dependency = .product(name: "UVNetTLS", package: "UVNet")

let package = Package(
  name: "Examples",
  platforms: [.macOS(.v15)],
  // With the package's default trait, because `framing` uses TestTaskProto.
  dependencies: [.package(name: "UVNet", path: "..", traits: [.defaults, "TLS"])],
  targets: [
    .executableTarget(name: "echo", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "async-echo", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "chat", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "async-chat", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "cores", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "embedded", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "tls-echo", dependencies: [uvnet, tls], swiftSettings: strict),
    .executableTarget(name: "tls-client", dependencies: [uvnet, tls], swiftSettings: strict),
    .executableTarget(name: "proxy", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "redis", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(name: "async-proxy", dependencies: [uvnet], swiftSettings: strict),
    .executableTarget(
      name: "framing",
      dependencies: [uvnet, .product(name: "TestTaskProto", package: "UVNet")],
      swiftSettings: strict),
    .executableTarget(name: "udp-echo", dependencies: [uvnet], swiftSettings: strict),
    // A DNS forwarder: what it decides, and the program that carries messages.
    .target(name: "DNS", swiftSettings: strict),
    .executableTarget(name: "dns-forwarder", dependencies: ["DNS", uvnet], swiftSettings: strict),
    .executableTarget(name: "dns-query", dependencies: ["DNS", uvnet], swiftSettings: strict),
    // Not examples: what scripts/examples checks the forwarder with.
    .executableTarget(
      name: "DNSChecks", dependencies: ["DNS"], path: "Checks/DNSChecks", swiftSettings: strict),
    .executableTarget(
      name: "LossyRelay", dependencies: [uvnet], path: "Checks/LossyRelay", swiftSettings: strict),
    // Not an example: a server for tlsfuzzer, sslscan and the like.
    .executableTarget(
      name: "TLSPeer", dependencies: [uvnet, tls], path: "Checks/TLSPeer", swiftSettings: strict),
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .executableTarget(
      name: "redis-hiredis", dependencies: [uvnet, "CHiredis"], swiftSettings: strict),
    // Not an example: both peers of `proxy`, for scripts/examples.
    .executableTarget(
      name: "ProxyPeers", dependencies: [uvnet], path: "Checks/ProxyPeers", swiftSettings: strict),
  ]
)
