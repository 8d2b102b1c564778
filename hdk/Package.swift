// swift-tools-version: 6.2
// The HDK alone, for packages of zome modules: the same sources as in the package above, and no dependency to fetch.
// The targets are links, since a package may not reach out of its folder.
import PackageDescription

let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "hdk",
    products: [
        .library(name: "HDK", targets: ["HDK"]),
        .library(name: "HDKTesting", targets: ["HDKTesting"]),
    ],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .target(name: "CZome"),
        .target(name: "Sodium", dependencies: ["CSodium"], swiftSettings: house),
        .target(name: "Integrity", dependencies: ["Sodium"], swiftSettings: house),
        .target(name: "HDK", dependencies: ["CZome", "Integrity"], swiftSettings: house),
        .target(name: "HDKTesting", dependencies: ["Integrity"], swiftSettings: house),
    ]
)
