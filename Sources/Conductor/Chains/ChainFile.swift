import Glibc
import Integrity
import Sodium

/// A whole source chain as lines of JSON: what `plasmid admin dump` writes. The form stands in docs/spec/storage.md.
///
/// Reading checks all that can be checked without a keystore and without the DNA: the digest, every hash and signature, one
/// author, and that each action follows the one before.
public struct ChainFile: Sendable {
    /// One action, and its entry as far as the file has it.
    public struct Line: Sendable {
        /// The action with its signature.
        public let signed: SignedAction
        /// A public entry.
        public let entry: Entry?
        /// A private entry, sealed by the keystore that holds the author's key.
        public let sealed: [UInt8]?
    }

    /// The network.
    public let dna: DnaHash
    /// Whose chain.
    public let agent: AgentPubKey
    /// Every action from the first one on.
    public let lines: [Line]

    /// The private entries that the file does not have.
    public var privateMissing: Int {
        lines.count { $0.signed.action.entryType?.visibility == .private && $0.sealed == nil }
    }

    static let version: Int64 = 1
    /// Largest file that is read, in bytes.
    static let bytesMax = 256 << 20

    // MARK: Writing

    /// The first line.
    public static func header(
        dna: String, agent: String, length: Int64, head: String, includesPrivate: Bool
    ) throws(PlasmidError) -> String {
        try text([
            ("plasmid_chain", .int(version)), ("dna", .string(dna)), ("agent", .string(agent)),
            ("length", .int(length)),
            ("head", .string(head)), ("private", .bool(includesPrivate)),
        ])
    }

    /// A line for one action; the values are base64.
    public static func line(action: String, entry: String?, sealed: String?) throws(PlasmidError) -> String {
        var pairs: [(String, MessagePackValue)] = [("action", .string(action))]
        if let entry { pairs.append(("entry", .string(entry))) }
        if let sealed { pairs.append(("sealed", .string(sealed))) }
        return try text(pairs)
    }

    /// The last line, over the digest of everything before it.
    public static func footer(length: Int64, digest: Bytes32) throws(PlasmidError) -> String {
        let hex = digest.withUnsafeBytes { bytes in
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        return try text([("end", .int(length)), ("blake2b_256", .string(hex))])
    }

    private static func text(_ pairs: [(String, MessagePackValue)]) throws(PlasmidError) -> String {
        let value = MessagePackValue.map(pairs.map { .init(key: .string($0.0), value: $0.1) })
        return String(decoding: try JSONText.json(fromMessagePack: value.packed), as: UTF8.self)
    }

    // MARK: Reading

    /// Reads a file.
    /// - Throws: `fileFailed`, `dumpInvalid`.
    public init(path: String) throws(PlasmidError) {
        try self.init(bytes: try Self.read(path), name: path)
    }

    /// Reads a file's bytes; `name` is for messages.
    /// - Throws: `dumpInvalid`.
    public init(bytes: [UInt8], name: String) throws(PlasmidError) {
        let fault = Fault(name: name)
        guard bytes.last == UInt8(ascii: "\n") else { throw fault.error("does not end with a line: it was cut off") }
        var lines = bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count >= 2, let last = lines.popLast(), let first = lines.first else {
            throw fault.error("is no dump of a chain")
        }
        var hasher = Blake2b.Hasher256()
        hasher.update(Array(bytes[..<last.startIndex]))
        let footer = try Self.footer(length: Int64(lines.count - 1), digest: hasher.finish())
        guard Array(last) == Array(footer.utf8) else {
            throw fault.error("was cut off or altered: its last line does not fit")
        }
        let header = try Self.value(first, fault, 1)
        guard header["plasmid_chain"]?.whole == Self.version else {
            throw fault.error("is no dump of a chain, or one of another version")
        }
        guard case .string(let dna)? = header["dna"], case .string(let agent)? = header["agent"],
            case .string(let head)? = header["head"], header["length"]?.whole == Int64(lines.count - 1)
        else { throw fault.error("has a first line without DNA, agent, length and head, or with a wrong length") }
        do throws(PlasmidError) {
            (self.dna, self.agent) = (try DnaHash(dna), try AgentPubKey(agent))
        } catch {
            throw fault.error("names a DNA or agent that is none: \(error.message)")
        }
        var read: [Line] = []
        var previous: ActionHash?
        for (index, line) in lines.dropFirst().enumerated() {
            let one = try Self.line(line, fault, index + 2)
            try Self.check(one, place: index, after: previous, by: self.agent, fault)
            previous = one.signed.hash
            read.append(one)
        }
        guard let previous, previous.text == head else {
            throw fault.error("ends with another action than its first line says")
        }
        self.lines = read
    }

    private struct Fault {
        let name: String

        func error(_ what: String) -> PlasmidError {
            PlasmidError(.dumpInvalid, "\(name) \(what)", hint: "nothing was changed; use another dump")
        }
    }

    private static func value(
        _ line: some Sequence<UInt8>, _ fault: Fault, _ number: Int
    ) throws(PlasmidError) -> MessagePackValue {
        do throws(PlasmidError) {
            return try MessagePackValue(packed: try JSONText.messagePack(fromJSON: Array(line)))
        } catch {
            throw fault.error("cannot be read in line \(number): \(error.message)")
        }
    }

    private static func line(
        _ line: some Sequence<UInt8>, _ fault: Fault, _ number: Int
    ) throws(PlasmidError) -> Line {
        let value = try value(line, fault, number)
        guard case .map(let pairs) = value, case .string(let action)? = value["action"],
            let bytes = Base64.decode(action)
        else { throw fault.error("has no action in line \(number)") }
        let (entry, sealed) = (try bytesOf(value["entry"], fault, number), try bytesOf(value["sealed"], fault, number))
        guard pairs.count == 1 + (entry == nil ? 0 : 1) + (sealed == nil ? 0 : 1) else {
            throw fault.error("has more in line \(number) than belongs there")
        }
        do throws(PlasmidError) {
            let signed = try SignedAction(packed: bytes)
            let read = try entry.map { bytes throws(PlasmidError) in try Entry(packed: bytes) }
            // Other bytes that read as the same are nothing that a dump ever wrote.
            guard signed.packed == bytes, read?.packed == entry else {
                throw PlasmidError(.malformedMessagePack, "the bytes are not the canonical ones")
            }
            return Line(signed: signed, entry: read, sealed: sealed)
        } catch {
            throw fault.error("cannot be read in line \(number): \(error.message)")
        }
    }

    private static func bytesOf(
        _ value: MessagePackValue?, _ fault: Fault, _ number: Int
    ) throws(PlasmidError) -> [UInt8]? {
        guard let value else { return nil }
        guard case .string(let text) = value, let bytes = Base64.decode(text) else {
            throw fault.error("has something else than base64 in line \(number)")
        }
        return bytes
    }

    private static func check(
        _ line: Line, place: Int, after previous: ActionHash?, by agent: AgentPubKey, _ fault: Fault
    ) throws(PlasmidError) {
        let (signed, action) = (line.signed, line.signed.action)
        guard action.author == agent else { throw fault.error("holds an action of \(action.author), not of \(agent)") }
        guard action.actionSeq == UInt32(place), action.prevAction == previous else {
            throw fault.error("has a gap or a fork: action \(place) does not follow the one before it")
        }
        guard signed.hasTrueHash else { throw fault.error("holds action \(place) with a wrong hash") }
        guard signed.hasTrueSignature else { throw fault.error("holds action \(place) with a wrong signature") }
        guard let hash = action.entryHash else {
            guard line.entry == nil, line.sealed == nil else {
                throw fault.error("holds an entry for action \(place), which has none")
            }
            return
        }
        if action.entryType?.visibility == .private {
            guard line.entry == nil else { throw fault.error("holds a private entry in the open at action \(place)") }
        } else {
            guard line.sealed == nil, let entry = line.entry, entry.hash == hash else {
                throw fault.error("holds another entry for action \(place) than the action names")
            }
        }
    }

    private static func read(_ path: String) throws(PlasmidError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw PlasmidError(
                .fileFailed, "\(path) cannot be read",
                hint: "the conductor reads it: it has to be readable for its user",
                cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
            throw PlasmidError(.fileFailed, "\(path) is no plain file of at most 256 MiB")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let got = bytes[done...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            done += got
        }
        return Array(bytes[..<done])
    }
}

extension MessagePackValue {
    fileprivate var whole: Int64? {
        switch self {
        case .int(let number): number
        case .uint(let number): Int64(exactly: number)
        default: nil
        }
    }
}
