// swift-tools-version: 6.2
// The house rules as a package of their own, so that `make check` runs them in seconds without building Sources.
// The root package lists the same files as its target HouseTests, so that `make test` holds them too.
import PackageDescription

let package = Package(
    name: "house",
    targets: [
        .testTarget(
            name: "HouseTests",
            path: ".",
            exclude: ["Package.swift"],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ])
    ]
)
