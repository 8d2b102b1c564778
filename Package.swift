// swift-tools-version: 6.2
// The house of Plasmid. Which target may import which is fixed by the table in CONTRIBUTING.md and held by HouseTests.
import PackageDescription

let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// A library target of the house under Sources/.
func part(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: house)
}

/// A zome module: a dynamic library of its own under Plugins/, which imports HDK only.
func zome(_ name: String, path: String? = nil) -> Target {
    .target(name: name, dependencies: ["HDK"], path: path ?? "Plugins/\(name)", swiftSettings: house)
}

/// A library in C that a hostile-module test loads.
func hostileC(_ name: String) -> Target {
    .target(name: name, dependencies: ["CZome"], path: "Tests/Modules/\(name)")
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, exclude: exclude, swiftSettings: house)
}

/// The messages of libp2p that the network speaks.
let messages = ["identify", "kad", "nat", "noise", "records", "relay"]

let sampleModules = [
    "Bench", "Messenger", "MessengerIntegrity", "Ghostwriter", "GhostwriterIntegrity", "Notes", "NotesIntegrity",
    "Agreement", "AgreementIntegrity",
]
let swiftTestModules = ["Hostile", "HostileIntegrity", "Workshop", "WorkshopIntegrity", "GateIntegrity"]
let cTestModules = ["BadABI", "NotAModule", "AnswersTwice", "Garbage", "Tiny"]

let package = Package(
    name: "plasmid",
    products: [
        .executable(name: "plasmid", targets: ["plasmid"]),
        .executable(name: "plasmid-zome-host", targets: ["plasmid-zome-host"]),
        .library(name: "HDK", targets: ["HDK"]),
        .library(name: "HDKTesting", targets: ["HDKTesting"]),
        .library(name: "TestKit", targets: ["TestKit"]),
    ]
        + (sampleModules + swiftTestModules + cTestModules).map {
            .library(name: $0, type: .dynamic, targets: [$0])
        },
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CZome"),
        part("Sodium", ["CSodium"]),
        part("Integrity", ["Sodium"]),
        part("HDK", ["CZome", "Integrity"]),
        part("HDKTesting", ["Integrity"]),
        part("Manifests", ["CZlib", "Integrity", "Sodium", yams]),
        part("Keystore", ["Integrity", "Sodium"]),
        part("Storage", ["CLMDB", "Integrity", "Sodium"]),
        part("Chain", ["Integrity"]),
        part("Validation", ["Integrity", "Sodium"]),
        part("Gossip", ["Integrity", "Sodium"]),
        part("Simulator", ["Chain", "Gossip", "Integrity", "Sodium", "Validation"]),
        part(
            "Transport",
            ["Integrity", "Sodium", nioCore, nioPosix, nioHTTP1, nioWebSocket, logging, protobuf],
            // scripts/protobuf.sh writes the Swift beside them.
            exclude: messages.map { "Protobuf/\($0).proto" }),
        part("ZomeRuntime", ["CZome", "Integrity", nioCore, nioPosix]),
        part(
            "Conductor",
            [
                "Sodium", "Integrity", "Manifests", "Keystore", "Storage", "Chain", "Validation", "Gossip",
                "Transport", "ZomeRuntime", nioCore, nioPosix, logging,
            ]),
        part(
            "TestKit",
            [
                "Integrity", "Sodium", "Manifests", "Keystore", "Storage", "Chain", "Validation", "Gossip",
                "Transport", "ZomeRuntime", "Conductor", nioCore, nioPosix, logging,
            ]),
        part("ConductorAPI", ["Integrity", nioCore, nioPosix, nioHTTP1, nioWebSocket, logging]),
        .executableTarget(
            name: "plasmid",
            dependencies: [
                "Sodium", "Integrity", "Manifests", "Keystore", "Storage", "Chain", "Validation", "Gossip", "Simulator",
                "Transport", "ZomeRuntime", "Conductor", "ConductorAPI", nioCore, nioPosix, nioHTTP1, nioWebSocket,
                logging, argumentParser,
            ],
            swiftSettings: house),
        .executableTarget(
            name: "plasmid-zome-host", dependencies: ["CZome", "Integrity", "CSeccomp"], swiftSettings: house,
            // Libraries shall find the `open` of Sandbox/ThreadStates.swift before the C library's.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic-symbol=open"])]),
    ]
        + sampleModules.map { zome($0) }
        + swiftTestModules.map { zome($0, path: "Tests/Modules/\($0)") }
        + cTestModules.map { hostileC($0) }
        + [
            tests("House", [], exclude: ["Package.swift"]),
            tests("Sodium", ["Sodium"]),
            tests("Integrity", ["Sodium", "Integrity"], exclude: ["Golden"]),
            tests("HDK", ["CZome", "Integrity", "HDK"]),
            tests("Manifests", ["Integrity", "Manifests"], exclude: ["Faulty", "Good", "Legacy"]),
            tests("Keystore", ["Sodium", "Integrity", "Keystore"]),
            .executableTarget(
                name: "storage-killer", dependencies: ["Integrity", "Sodium", "Storage"],
                path: "Tests/Helpers/storage-killer", swiftSettings: house),
            tests("Storage", ["CLMDB", "Sodium", "Integrity", "Storage", "storage-killer"]),
            tests("Chain", ["Sodium", "Integrity", "Chain"]),
            tests("Validation", ["Sodium", "Integrity", "Chain", "Validation"]),
            tests("Gossip", ["Sodium", "Integrity", "Gossip"]),
            tests("Simulator", ["Integrity", "Gossip", "Simulator"]),
            tests(
                "Transport",
                [
                    "Sodium", "Integrity", "Transport", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioEmbedded,
                    logging, protobuf,
                ]),
            tests("ZomeRuntime", ["Integrity", "ZomeRuntime", nioCore, nioPosix]),
            tests(
                "ConductorAPI",
                [
                    "Integrity", "ConductorAPI", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioEmbedded, nioLocks,
                    logging,
                ]),
            tests(
                "Conductor",
                [
                    "Sodium", "Integrity", "Keystore", "Storage", "Chain", "ZomeRuntime", "Conductor", nioCore,
                    nioPosix,
                    logging,
                ]),
            tests(
                "TestKit", ["Gossip", "Integrity", "Sodium", "TestKit", "Transport", nioCore, nioPosix, logging],
                exclude: ["Transcripts"]),
            tests(
                "Plasmid",
                ["Sodium", "Integrity", "Keystore", "ConductorAPI", "Manifests", "plasmid", argumentParser],
                exclude: ["Transcripts"]),
            tests("Network", ["Sodium", "Integrity", "Keystore", "ConductorAPI", "plasmid", nioCore, nioPosix]),
            tests(
                "Acceptance",
                [
                    "Sodium", "Integrity", "Keystore", "Storage", "Chain", "Manifests", "Conductor", "ConductorAPI",
                    "plasmid", nioCore,
                    nioPosix,
                    logging,
                ]),
        ]
)
