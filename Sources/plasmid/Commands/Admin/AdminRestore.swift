import ArgumentParser
import Conductor
import ConductorAPI
import Foundation
import Integrity
import Sodium

/// `plasmid admin restored`
struct AdminRestored: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restored", abstract: "List the cells that are read-only after a restore, and let them go on.",
        discussion: """
            A cell that came out of a backup or a dump may not write: where its keys are still in use elsewhere, its \
            chain would go on in two places, and the network rejects both. With --alone you say that no other copy of \
            the keys is in use.
            """)

    @Argument(help: ArgumentHelp("The cell; without it all of them are meant.", valueName: "app/role"))
    var instance: String?

    @Flag(name: .long, help: "Let the cell, or all of them, write again: no other copy of their keys is in use.")
    var alone = false

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "CELL:instance_id", "DNA HASH:dna", "AGENT:agent", "RESTORED:restored_at", empty: "no cell is read-only")

    func run() async throws {
        let cell = try instance.map { try InstanceID($0).text }
        let connection = try conductor.connect()
        guard alone else {
            let all = try await connection.request("admin/restored/list", .map([]))
            let shown = MessagePackValue.array(all.items.filter { cell == nil || $0["instance_id"]?.text == cell })
            if output.json { return try Output.json(shown) }
            Output.line(AdminRestored.listing.text(shown, full: output.full))
            guard let first = shown.items.first?["instance_id"]?.text else { return }
            return Output.note(
                "hint: if no other copy of its keys is in use, let a cell write again with:\n"
                    + "      plasmid admin restored \(Words.harmless(first)) --alone")
        }
        let answer = try await connection.request(
            "admin/restored/release", .object(["alone": .bool(true), "instance_id": .optional(cell)]))
        if output.json { return try Output.json(answer) }
        let count = Int(answer["released"]?.number ?? 0)
        Output.line("\(Words.count(count, "chain")) may be written to again")
    }
}

/// `plasmid admin dump APP/CELL`
struct AdminDump: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Write the whole chain of a cell as lines of JSON, to be brought back later.",
        discussion: """
            Private entries are left out, unless --private asks for them: then they stand in the dump as they are \
            stored, sealed by the keystore, and only a conductor with the same keystore can read them. 'plasmid admin \
            restore-chain' brings a dump back; 'plasmid admin chain --json' shows entries in the open.
            """)

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Flag(name: .customLong("private"), help: "Include private entries, sealed.")
    var includesPrivate = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write to this file, which must not be there, instead of standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        try await ChainDump(cell: try InstanceID(instance).text, includesPrivate: includesPrivate)
            .write(to: output.map(DataFolder.absolute), from: try conductor.connect())
    }
}

/// A chain, page by page, on its way into a file.
struct ChainDump {
    let cell: String
    let includesPrivate: Bool

    /// Writes all of it, to standard output where no file is named.
    func write(to path: String?, from connection: any ConductorConnection) async throws {
        var writer = try DumpWriter(path: path)
        do {
            try await dump(connection, &writer)
            try writer.finish()
        } catch {
            writer.abandon()
            throw error
        }
    }

    private func dump(_ connection: any ConductorConnection, _ writer: inout DumpWriter) async throws {
        var from: Int64? = 0
        var through: Int64 = 0
        var count: Int64 = 0
        var bar: ProgressBar?
        while let start = from {
            var params: [MessagePackValue.Pair] = [
                .init(key: .string("instance_id"), value: .string(cell)),
                .init(key: .string("from"), value: .int(start)),
                .init(key: .string("private"), value: .bool(includesPrivate)),
            ]
            if start > 0 { params.append(.init(key: .string("through"), value: .int(through))) }
            let page = try await connection.request("admin/chain/export", .map(params))
            if start == 0 {
                through = page["head"]?["seq"]?.number ?? 0
                bar = ProgressBar("dumping", total: Int(through) + 1)
                try writer.write(
                    try ChainFile.header(
                        dna: page["dna"]?.text ?? "", agent: page["agent"]?.text ?? "", length: through + 1,
                        head: page["head"]?["hash"]?.text ?? "", includesPrivate: includesPrivate))
            }
            for record in page["records"]?.items ?? [] {
                try writer.write(
                    try ChainFile.line(
                        action: record["action"]?.text ?? "", entry: record["entry"]?.text,
                        sealed: record["sealed"]?.text))
                count += 1
            }
            bar?.update(Int(count))
            from = page["next"]?.number
        }
        bar?.finish()
        guard count == through + 1 else {
            throw Failure(PlasmidError(.badAnswer, "the conductor gave \(count) actions of \(through + 1)"))
        }
        try writer.end(length: count)
    }
}

/// Where a dump goes, and the digest of what went there.
struct DumpWriter: ~Copyable {
    private let file: FileHandle
    private let path: String?
    private var hasher = Blake2b.Hasher256()

    init(path: String?) throws {
        self.path = path
        guard let path else {
            file = .standardOutput
            return
        }
        let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, !FileManager.default.fileExists(atPath: path) else {
            throw Failure(
                PlasmidError(
                    .fileFailed, "\(path) cannot be made", hint: "nothing is overwritten: choose a name that is free",
                    cause: descriptor >= 0 ? nil : String(cString: strerror(errno))))
        }
        file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    mutating func write(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        hasher.update(bytes)
        try put(bytes)
    }

    private func put(_ bytes: [UInt8]) throws {
        do {
            try file.write(contentsOf: Data(bytes))
        } catch {
            throw Failure(
                PlasmidError("outputFailed", "the dump cannot be written", hint: "is the disk full?", cause: "\(error)")
            )
        }
    }

    /// The last line, which says that the dump is whole.
    mutating func end(length: Int64) throws {
        var last = Blake2b.Hasher256()
        swap(&last, &hasher)
        try put(Array((try ChainFile.footer(length: length, digest: last.finish()) + "\n").utf8))
    }

    /// Gives the file its name, once it is on the disk.
    func finish() throws {
        guard let path else { return }
        guard fsync(file.fileDescriptor) == 0, rename(path + ".new", path) == 0 else {
            throw Failure(
                PlasmidError(.fileFailed, "\(path) cannot be written", cause: String(cString: strerror(errno))))
        }
    }

    func abandon() {
        if let path { unlink(path + ".new") }
    }
}

/// `plasmid admin restore-chain FILE`
struct AdminRestoreChain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore-chain", abstract: "Bring a dumped chain back into a conductor that lacks it.",
        discussion: """
            Every hash, signature, link of the chain and rule of its DNA is checked before anything is written. A dump \
            that was cut off or altered, or that forks a chain that is here, is refused. The keystore must hold the \
            agent's key. The cell is read-only afterwards; see 'plasmid admin restored'.
            """)

    @Argument(help: "The file that 'plasmid admin dump' wrote.", completion: .file())
    var file: String

    @Option(
        name: .customLong("app"),
        help: ArgumentHelp(
            "The hApp file of the chain's app, if it is not installed here. Install it afterwards, with --agent.",
            valueName: "path"), completion: .file(extensions: ["yaml"]))
    var happ: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let happ = try happ.map { DataFolder.absolute(try ManifestPath.find($0, kind: "happ")) }
        let answer = try await conductor.connect().request(
            "admin/chain/import", .object(["path": .string(DataFolder.absolute(file)), "happ": .optional(happ)]))
        if output.json { return try Output.json(answer) }
        let place = answer["instance_id"]?.text ?? "the chain of \(answer["agent"]?.text ?? "-")"
        Output.line("\(place): \(Words.count(Int(answer["length"]?.number ?? 0), "action")) brought back, read-only")
        let missing = Int(answer["private_missing"]?.number ?? 0)
        if missing > 0 { Output.note("note: \(Words.count(missing, "private action")) came without the entry") }
        guard let happ, answer["instance_id"]?.text == nil, let agent = answer["agent"]?.text else { return }
        Output.note("hint: install its app for this agent: plasmid admin install \(happ) --agent \(agent)")
    }
}
