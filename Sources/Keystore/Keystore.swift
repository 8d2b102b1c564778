import Glibc
public import Integrity
public import Sodium

// The invariant of `@unchecked Sendable`: the thread that opens a keystore hands it over once, in the completion, and does
// not touch it again; from then on only the receiver's thread does. There are no locks, since there is never a second user.

/// The keys of this conductor's agents: callers get signatures, never secrets.
///
/// One sealed file holds the seeds (docs/spec/keystore.md). A new key is on disk before anyone learns it. In memory the
/// secrets stand in locked pages and are wiped with the keystore.
///
/// Confined: one thread uses a keystore at a time, the conductor's event loop. `sign` costs one look-up and one signature
/// and never blocks; `newAgent` and `changePassphrase` wait for the disk, the latter also for Argon2id.
public final class Keystore: @unchecked Sendable {
    /// An agent whose key is held here.
    public struct Agent: Hashable, Sendable {
        /// The public key.
        public let key: AgentPubKey
        /// The name the key was given, unique in this keystore.
        public let tag: String
        /// When the key was made.
        public let createdAt: Timestamp
        /// True for a test agent: its seed is the hash of its name, so anyone can sign for it, and it is never saved.
        public let isThrowaway: Bool
    }

    /// Most keys of one keystore.
    public static let maxKeys = 1_000
    /// Longest tag, in bytes.
    public static let maxTagBytes = 255

    private final class Key {
        let agent: Agent
        let secret: SecretKey
        /// Seals this agent's private entries.
        let sealing: SecretBytes

        init?(seed: borrowing SecretBytes, tag: String, createdAt: Timestamp, isThrowaway: Bool) {
            guard let secret = SecretKey(seed: seed) else { return nil }
            agent = Agent(
                key: AgentPubKey(core: secret.publicKey), tag: tag, createdAt: createdAt, isThrowaway: isThrowaway)
            self.secret = secret
            sealing = KDF.derive(from: seed, context: "PlsmPriv", id: 1)
        }
    }

    /// Where the file is.
    public var path: String { file.path }

    private let file: SealedFile
    let master: SecretBytes
    private var header: KeystoreFormat.Header
    private var entries: [KeystoreFormat.Entry]
    /// What the file holds now, to notice that another program wrote it.
    private var fileBytes: [UInt8]
    private var keys: [AgentPubKey: Key] = [:]
    private var order: [AgentPubKey] = []
    private var tags: [String: AgentPubKey] = [:]

    private init(
        file: SealedFile, header: KeystoreFormat.Header, master: consuming SecretBytes,
        entries: [KeystoreFormat.Entry], fileBytes: [UInt8]
    ) throws(PlasmidError) {
        self.file = file
        self.header = header
        self.master = master
        self.entries = entries
        self.fileBytes = fileBytes
        for entry in entries { hold(try Self.key(of: entry)) }
    }

    // MARK: - Making and opening

    /// Makes an empty keystore in a new file. Blocks for the time of Argon2id: seconds at the default cost.
    /// - Throws: `keystoreExists` (a file is never overwritten), `keystoreCost`, `passphraseUnusable`, `keystoreUnusable`.
    public static func create(
        at path: String, passphrase: borrowing SecretBytes, cost: KeystoreCost = .sensitive
    ) throws(PlasmidError) -> Keystore {
        try create(SealedFile(path: path), passphrase: passphrase, cost: cost)
    }

    static func create(
        _ file: SealedFile, passphrase: borrowing SecretBytes, cost: KeystoreCost
    ) throws(PlasmidError) -> Keystore {
        // Asked before the costly part; the write itself makes sure of it.
        if access(file.path, F_OK) == 0 { throw KeystoreFault.exists(file.path) }
        let master = SecretBytes.random(count: 32)
        let header = try wrap(master, passphrase, cost)
        let bytes = KeystoreFormat.file(header, master: master, entries: [])
        try file.write(bytes, .create)
        return try Keystore(file: file, header: header, master: master, entries: [], fileBytes: bytes)
    }

    /// Opens the keystore in a file. Blocks for the time of Argon2id: seconds at the default cost.
    /// - Throws: `keystoreMissing`, `wrongPassphrase`, `keystoreDamaged`, `keystoreNewer`, `keystoreCost`,
    ///   `keystoreUnusable`. The file stays as it is in every case.
    public static func open(at path: String, passphrase: borrowing SecretBytes) throws(PlasmidError) -> Keystore {
        try open(SealedFile(path: path), passphrase: passphrase)
    }

    static func open(_ file: SealedFile, passphrase: borrowing SecretBytes) throws(PlasmidError) -> Keystore {
        let bytes = try file.read()
        let header = try KeystoreFormat.Header(file: bytes, path: file.path)
        let key = try deriveKey(passphrase, salt: header.salt, cost: header.cost)
        guard let master = header.unwrap(key: key) else { throw KeystoreFault.wrongPassphrase(file.path) }
        let entries = try KeystoreFormat.entries(of: bytes, header: header, master: master, path: file.path)
        return try Keystore(file: file, header: header, master: master, entries: entries, fileBytes: bytes)
    }

    private static func wrap(
        _ master: borrowing SecretBytes, _ passphrase: borrowing SecretBytes, _ cost: KeystoreCost
    ) throws(PlasmidError) -> KeystoreFormat.Header {
        guard passphrase.count > 0 else {
            throw PlasmidError(.passphraseUnusable, "the passphrase is empty", hint: "a keystore needs a passphrase")
        }
        let salt = SystemRandom.bytes(Argon2id.saltBytes)
        let key = try deriveKey(passphrase, salt: salt, cost: cost)
        return KeystoreFormat.Header(wrapping: master, key: key, salt: salt, cost: cost)
    }

    private static func deriveKey(
        _ passphrase: borrowing SecretBytes, salt: [UInt8], cost: KeystoreCost
    ) throws(PlasmidError) -> SecretBytes {
        guard cost.isBearable, let memory = Int(exactly: cost.memoryBytes),
            let key = Argon2id.derive(
                passphrase: passphrase, salt: salt, ops: UInt64(cost.operations), memoryBytes: memory)
        else {
            throw PlasmidError(
                .keystoreCost, "there is not enough memory to check the passphrase: it takes \(cost.memoryBytes) bytes",
                hint: "free memory, or run it on a machine that has it")
        }
        return key
    }

    // MARK: - Agents

    /// Every agent whose key is held, saved ones first in the order they were made, then test agents.
    public var agents: [Agent] {
        let all = order.compactMap { keys[$0]?.agent }
        return all.filter { !$0.isThrowaway } + all.filter(\.isThrowaway)
    }

    /// Makes a key and saves it; when this returns, the key survives a power cut.
    /// - Parameters:
    ///   - tag: 1 to 255 printable ASCII characters, not used yet.
    ///   - createdAt: kept beside the key; now, unless a test says otherwise.
    /// - Throws: `badKeyTag`, `keyTagTaken`, `keystoreFull`, `keystoreChanged`, `keystoreUnusable`; then there is no new key.
    public func newAgent(tag: String, createdAt: Timestamp = Keystore.now()) throws(PlasmidError) -> AgentPubKey {
        try checkNew(tag)
        guard entries.count < Self.maxKeys else {
            throw PlasmidError(.keystoreFull, "the keystore holds \(Self.maxKeys) keys, the most it may")
        }
        let entry = KeystoreFormat.Entry(tag: tag, createdAt: createdAt, seed: Ed25519.generateSeed())
        let key = try Self.key(of: entry)
        try save(header, entries + [entry])
        entries.append(entry)
        hold(key)
        return key.agent.key
    }

    /// Adds a throwaway agent for tests, in memory only. Its seed is the hash of its name: **anyone can sign for it.** The
    /// same name gives the same key everywhere.
    /// - Throws: `badKeyTag`, or `keyTagTaken` when a saved key bears the name.
    @discardableResult
    public func addTestAgent(name: String) throws(PlasmidError) -> AgentPubKey {
        if let known = tags[name], let agent = keys[known]?.agent, agent.isThrowaway { return known }
        try checkNew(name)
        var seedBytes = Blake2b.hash256(Array("plasmid throwaway test agent\0".utf8) + Array(name.utf8)).array
        let seed = SecretBytes(moving: &seedBytes)
        guard let key = Key(seed: seed, tag: name, createdAt: Self.now(), isThrowaway: true) else {
            throw KeystoreFault.notFound("the test agent \(name)")
        }
        hold(key)
        return key.agent.key
    }

    /// The public key with a tag.
    /// - Throws: `keyNotFound`.
    public func publicKey(_ tag: String) throws(PlasmidError) -> AgentPubKey {
        guard let key = tags[tag] else { throw KeystoreFault.notFound("the tag \"\(Self.shown(tag))\"") }
        return key
    }

    /// Whether this keystore can sign for the agent.
    public func holds(_ agent: AgentPubKey) -> Bool { keys[agent] != nil }

    /// Puts the master key under a new passphrase; every key stays. The old passphrase opens nothing any more.
    /// Blocks for the time of Argon2id.
    /// - Throws: as ``create(at:passphrase:cost:)``, and `keystoreChanged`; then the old passphrase stays.
    public func changePassphrase(
        to passphrase: borrowing SecretBytes, cost: KeystoreCost = .sensitive
    ) throws(PlasmidError) {
        let newHeader = try Self.wrap(master, passphrase, cost)
        try save(newHeader, entries)
        header = newHeader
    }

    // MARK: - Using keys

    /// The agent's Ed25519 signature over exactly these bytes. Which bytes may be signed is the caller's to decide
    /// (`SigningDomain`): the keystore signs what it is given.
    /// - Throws: `keyNotFound`.
    public func sign(_ message: [UInt8], by agent: AgentPubKey) throws(PlasmidError) -> Signature {
        guard let key = keys[agent] else { throw KeystoreFault.notFound("the agent \(agent)") }
        return Signature(key.secret.sign(message))
    }

    /// The agent's Ed25519 signature over exactly these bytes.
    /// - Throws: `keyNotFound`.
    public func sign(_ message: UnsafeRawBufferPointer, by agent: AgentPubKey) throws(PlasmidError) -> Signature {
        guard let key = keys[agent] else { throw KeystoreFault.notFound("the agent \(agent)") }
        return Signature(key.secret.sign(message))
    }

    /// Seals bytes so that only this agent's key opens them, and only in the same context (for a private entry: where it
    /// belongs). The result is 40 bytes longer: nonce 24, tag 16.
    /// - Throws: `keyNotFound`.
    public func seal(_ plain: [UInt8], by agent: AgentPubKey, context: [UInt8]) throws(PlasmidError) -> [UInt8] {
        guard let key = keys[agent] else { throw KeystoreFault.notFound("the agent \(agent)") }
        let nonce = SystemRandom.bytes(XChaCha20Poly1305.nonceBytes)
        return nonce + XChaCha20Poly1305.seal(plain, key: key.sealing, nonce: nonce, ad: context)
    }

    /// Opens what ``seal(_:by:context:)`` sealed.
    /// - Throws: `keyNotFound`, `sealBroken`.
    public func open(_ sealed: [UInt8], by agent: AgentPubKey, context: [UInt8]) throws(PlasmidError) -> [UInt8] {
        guard let key = keys[agent] else { throw KeystoreFault.notFound("the agent \(agent)") }
        let nonceBytes = XChaCha20Poly1305.nonceBytes
        guard sealed.count >= nonceBytes,
            let plain = XChaCha20Poly1305.open(
                Array(sealed[nonceBytes...]), key: key.sealing, nonce: Array(sealed[..<nonceBytes]), ad: context)
        else {
            throw PlasmidError(
                .sealBroken, "sealed bytes of the agent \(agent) do not open",
                hint: "they were altered, or sealed by another key or for another place")
        }
        return plain
    }

    // MARK: - Inside

    /// Lends an agent's key to the other files of this module.
    func withSecret<Value>(
        of agent: AgentPubKey, _ body: (borrowing SecretKey) -> Value
    ) throws(PlasmidError) -> Value {
        guard let key = keys[agent] else { throw KeystoreFault.notFound("the agent \(agent)") }
        return body(key.secret)
    }

    /// The wall clock, in microseconds.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    static func isTag(_ tag: String) -> Bool {
        (1...maxTagBytes).contains(tag.utf8.count) && tag.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }

    private func checkNew(_ tag: String) throws(PlasmidError) {
        guard Self.isTag(tag) else {
            throw PlasmidError(
                .badKeyTag, "\"\(Self.shown(tag))\" cannot name a key",
                hint: "1 to \(Self.maxTagBytes) printable ASCII characters")
        }
        guard tags[tag] == nil else {
            throw PlasmidError(.keyTagTaken, "there is a key named \"\(tag)\" already", hint: "choose another name")
        }
    }

    private static func shown(_ tag: String) -> String {
        String(decoding: tag.utf8.prefix(maxTagBytes).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }

    private static func key(of entry: KeystoreFormat.Entry) throws(PlasmidError) -> Key {
        guard let key = Key(seed: entry.seed, tag: entry.tag, createdAt: entry.createdAt, isThrowaway: false) else {
            throw PlasmidError(.keystoreDamaged, "the key \"\(entry.tag)\" has a seed of the wrong length")
        }
        return key
    }

    private func hold(_ key: Key) {
        keys[key.agent.key] = key
        order.append(key.agent.key)
        tags[key.agent.tag] = key.agent.key
    }

    private func save(_ header: KeystoreFormat.Header, _ entries: [KeystoreFormat.Entry]) throws(PlasmidError) {
        let bytes = KeystoreFormat.file(header, master: master, entries: entries)
        try file.write(bytes, .replace(previous: fileBytes))
        fileBytes = bytes
    }
}
