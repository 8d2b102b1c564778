import Foundation
import Integrity

/// What the Swift sources of a coordinator zome tell: which of its functions write, and which names they mention.
///
/// Read, not compiled: a function writes when its body calls a writing method of a `Host`, or names a function of the same
/// sources that does. So a function can be said to write that never does, on the path it takes; one that writes through
/// another module is not seen, and then the sources count as incomplete.
struct ZomeSources {
    /// How a function comes to write.
    struct Write: Equatable {
        /// The writing method, for example `create`.
        let method: String
        /// The functions on the way to it.
        let path: [String]
        let file: String
        let position: Position
    }

    /// The methods of HDK's `Host` that write to the chain.
    static let writers: Set<String> = [
        "create", "update", "delete", "createLink", "deleteLink", "commitCapabilityGrant", "commitCapabilityClaim",
        "revokeCapability", "revokeCapabilities",
        "updateCapabilityGrant",
    ]

    /// A text that the sources give to a type as its name: `EntryTypeName = "note"`.
    struct TypeName {
        let name: String
        /// Of a link type, not of an entry type.
        let isLink: Bool
        let file: String
        let position: Position
    }

    /// The names of types that the sources declare, in the order of the files.
    private(set) var typeNames: [TypeName] = []
    /// What each text of the sources says, without quotes.
    private(set) var texts: Set<String> = []
    /// Whether the sources import nothing that could hide calls or names.
    private(set) var isComplete = true

    private struct Body {
        var write: Write?
        var names: Set<String> = []
    }

    /// Bodies of `func NAME`, of all functions of one name together.
    private var bodies: [String: Body] = [:]
    /// Bodies of `Function("NAME")`.
    private var functions: [String: Body] = [:]

    /// The sources of a module, or nil where they are not found.
    ///
    /// Looked for beside every validator's sources, then in Plugins/ and Sources/ of the package.
    static func find(_ module: String, of manifest: DnaManifest) -> ZomeSources? {
        let beside = manifest.definition().integrity.zomes.map { ManifestFile.folder(of: $0.sources) }
        let folders = (beside + ["Plugins", "Sources"]).map {
            ManifestFile.join(ManifestFile.join(manifest.sourceBase, $0), module)
        }
        guard let folder = folders.first(where: { FileKind($0) == .folder }) else { return nil }
        return read(folder, shown: module)
    }

    /// The sources of a validator, which stand where the manifest says; nil where they are not at hand, as in a bundle.
    static func find(_ zome: IntegrityZomeDef, of manifest: DnaManifest) -> ZomeSources? {
        let folder = ManifestFile.join(manifest.sourceBase, zome.sources)
        return FileKind(folder) == .folder ? read(folder, shown: zome.module) : nil
    }

    private static func read(_ folder: String, shown module: String) -> ZomeSources? {
        var report = Report(file: folder)
        guard let tree = SourceTree.read(folder: folder, shown: module, place: .start, report: &report) else {
            return nil
        }
        return ZomeSources(tree, folder: folder)
    }

    init(_ tree: SourceTree, folder: String) {
        let files = tree.files.filter { $0.path.hasSuffix(".swift") }.map {
            (path: ManifestFile.join(folder, $0.path), bytes: $0.bytes, tokens: SwiftTokens.read($0.bytes))
        }
        var hosts: Set<String> = ["host"]
        for file in files {
            texts.formUnion(file.tokens.lazy.filter { $0.kind == .text }.map(\.string))
            hosts.formUnion(Self.hosts(file.tokens))
            typeNames += Self.typeNames(file.tokens, file.path)
            let imports = ImportScanner.imports(in: file.bytes)
            if imports.contains(where: { !Self.harmless.contains($0.module) }) { isComplete = false }
        }
        for file in files { collect(file.tokens, hosts, file.path) }
    }

    private static let harmless: Set<String> = ["HDK", "Swift", "Glibc", "Synchronization", "_Concurrency"]

    /// How the zome's function of this name comes to write; nil when it does not.
    func write(by function: String) -> Write? {
        guard let body = functions[function] else { return nil }
        var seen: Set<String> = []
        return search(body, [], &seen)
    }

    /// Depth first; a name that led nowhere once is not followed again.
    private func search(_ body: Body, _ path: [String], _ seen: inout Set<String>) -> Write? {
        if let write = body.write {
            return Write(method: write.method, path: path, file: write.file, position: write.position)
        }
        for name in body.names.sorted() {
            guard let next = bodies[name], seen.insert(name).inserted, seen.count < 2_000 else { continue }
            if let found = search(next, path + [name], &seen) { return found }
        }
        return nil
    }

    // MARK: - Reading

    /// The names of parameters and variables that are hosts: `host: Host`.
    private static func hosts(_ tokens: [SwiftTokens.Token]) -> Set<String> {
        var result: Set<String> = []
        for index in tokens.indices.dropLast(2)
        where tokens[index].kind == .word && tokens[index + 1].string == ":" && tokens[index + 2].string == "Host" {
            result.insert(tokens[index].string)
        }
        return result
    }

    /// `EntryTypeName = "note"` and `LinkTypeName = "inbox"`, wherever they stand.
    private static func typeNames(_ tokens: [SwiftTokens.Token], _ file: String) -> [TypeName] {
        tokens.indices.dropLast(2).compactMap { index in
            let (type, sign, text) = (tokens[index], tokens[index + 1], tokens[index + 2])
            guard type.kind == .word, ["EntryTypeName", "LinkTypeName"].contains(type.string), sign.kind == .sign,
                sign.string == "=", text.kind == .text
            else { return nil }
            return TypeName(
                name: text.string, isLink: type.string == "LinkTypeName", file: file, position: text.position)
        }
    }

    private mutating func collect(_ tokens: [SwiftTokens.Token], _ hosts: Set<String>, _ file: String) {
        for index in tokens.indices {
            let token = tokens[index]
            guard token.kind == .word, index + 1 < tokens.count else { continue }
            if token.string == "func", tokens[index + 1].kind == .word {
                let name = tokens[index + 1].string
                let body = Self.body(tokens, Self.braces(tokens, after: index + 1), hosts, file)
                bodies[name] = Self.joined(bodies[name], body)
            } else if token.string == "Function", index + 2 < tokens.count, tokens[index + 1].string == "(",
                tokens[index + 2].kind == .text
            {
                let name = tokens[index + 2].string
                let body = Self.body(tokens, Self.call(tokens, from: index + 1), hosts, file)
                functions[name] = Self.joined(functions[name], body)
            }
        }
    }

    private static func joined(_ left: Body?, _ right: Body) -> Body {
        guard let left else { return right }
        return Body(write: left.write ?? right.write, names: left.names.union(right.names))
    }

    /// From the first `{` after a place to its `}`; nothing where a `}` closes what is around it first.
    private static func braces(_ tokens: [SwiftTokens.Token], after start: Int) -> Range<Int> {
        var index = start
        while index < tokens.count, !(tokens[index].kind == .sign && tokens[index].string == "{") {
            if tokens[index].kind == .sign, tokens[index].string == "}" { return start..<start }
            index += 1
        }
        return index..<closing(tokens, from: index, "{", "}")
    }

    /// The arguments of a call and the closure behind them.
    private static func call(_ tokens: [SwiftTokens.Token], from open: Int) -> Range<Int> {
        var end = closing(tokens, from: open, "(", ")")
        if end < tokens.count, tokens[end].kind == .sign, tokens[end].string == "{" {
            end = closing(tokens, from: end, "{", "}")
        }
        return open..<end
    }

    /// One past the sign that closes the one at `start`.
    private static func closing(_ tokens: [SwiftTokens.Token], from start: Int, _ open: String, _ close: String) -> Int
    {
        var depth = 0
        for index in tokens.indices[min(start, tokens.endIndex)...] where tokens[index].kind == .sign {
            if tokens[index].string == open { depth += 1 }
            if tokens[index].string == close {
                depth -= 1
                if depth == 0 { return index + 1 }
            }
        }
        return tokens.count
    }

    private static func body(
        _ tokens: [SwiftTokens.Token], _ range: Range<Int>, _ hosts: Set<String>, _ file: String
    ) -> Body {
        var body = Body()
        for index in range where tokens[index].kind == .word {
            let isMember = index > 0 && tokens[index - 1].string == "." && tokens[index - 1].kind == .sign
            if isMember, index > 1, hosts.contains(tokens[index - 2].string) {
                if body.write == nil, writers.contains(tokens[index].string), index + 1 < tokens.count,
                    tokens[index + 1].string == "("
                {
                    body.write = Write(
                        method: tokens[index].string, path: [], file: file, position: tokens[index].position)
                }
            } else {
                body.names.insert(tokens[index].string)
            }
        }
        return body
    }
}
