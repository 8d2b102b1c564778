import Foundation

/// One file of the repository, as the rules see it.
struct RepositoryFile: Sendable {
    /// Relative to the root of the repository, with `/`.
    let path: String
    let text: String
    let lines: [Substring]
    /// The lines with comments and string literals blanked out; as they are where the file is no Swift.
    let codeLines: [Substring]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        codeLines =
            path.hasSuffix(".swift")
            ? Blanking.blank(text).split(separator: "\n", omittingEmptySubsequences: false) : lines
    }

    /// The lines with comments blanked out; what remains in them is code and string literals.
    var uncommentedLines: [Substring] {
        Blanking.blank(text, .comments).split(separator: "\n", omittingEmptySubsequences: false)
    }
    var isSwift: Bool { path.hasSuffix(".swift") && !path.hasSuffix(".pb.swift") }
    /// The folder under Sources that holds the file, which is the target's name; nil elsewhere.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
}

/// Something that breaks a rule, and where.
struct Finding: CustomStringConvertible, Equatable {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// The files of the checkout: what git tracks or would track; every file of the folder where git is absent.
struct Repository: CustomStringConvertible, Sendable {
    /// Short, since a failed expectation prints it.
    var description: String { "the repository" }

    let root: URL
    let paths: [String]
    /// The Swift files that people wrote, read once for all rules.
    let swiftFiles: [RepositoryFile]

    static let here = Repository(root: findRoot())

    init(root: URL) {
        self.root = root
        let listed = Repository.listByGit(root) ?? Repository.listByWalking(root)
        let paths = listed.filter { FileManager.default.fileExists(atPath: root.appendingPathComponent($0).path) }
            .sorted()
        self.paths = paths
        swiftFiles = paths.filter { $0.hasSuffix(".swift") }.compactMap { Repository.file($0, root) }.filter(\.isSwift)
    }

    /// The text files whose name ends so.
    func files(_ suffixes: String...) -> [RepositoryFile] {
        paths.filter { path in suffixes.contains { path.hasSuffix($0) } }.compactMap(file)
    }

    func file(_ path: String) -> RepositoryFile? { Repository.file(path, root) }

    private static func file(_ path: String, _ root: URL) -> RepositoryFile? {
        guard let data = FileManager.default.contents(atPath: root.appendingPathComponent(path).path) else {
            return nil
        }
        return RepositoryFile(path: path, text: String(decoding: data, as: UTF8.self))
    }

    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    /// The size in bytes, nil for what is no plain file.
    func size(_ path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: root.appendingPathComponent(path).path)
        return attributes?[.type] as? FileAttributeType == .typeRegular ? attributes?[.size] as? Int : nil
    }

    private static func findRoot() -> URL {
        if let given = ProcessInfo.processInfo.environment["PLASMID_ROOT"] { return URL(fileURLWithPath: given) }
        var folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        while folder.path != "/" {
            if FileManager.default.fileExists(atPath: folder.appendingPathComponent(".swift-format").path) {
                return folder
            }
            folder.deleteLastPathComponent()
        }
        return URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    }

    private static func listByGit(_ root: URL) -> [String]? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "git", "-C", root.path, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func listByWalking(_ root: URL) -> [String] {
        guard let walker = FileManager.default.enumerator(atPath: root.path) else { return [] }
        var found: [String] = []
        while let path = walker.nextObject() as? String {
            let name = path.split(separator: "/").last ?? ""
            if name == ".git" || name.hasPrefix(".build") {
                walker.skipDescendants()
            } else {
                found.append(path)
            }
        }
        return found
    }
}
