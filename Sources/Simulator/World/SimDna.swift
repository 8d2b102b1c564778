import Chain
import Gossip
import Integrity
import Validation

/// The app of a simulation: public notes, private diaries, links.
struct SimDna: Sendable {
    let definition: DnaDefinition
    let hash: DnaHash
    let system: SystemRules
    let declared: DeclarativeRules
    let note: EntryType
    let diary: EntryType
    let link: (zomeIndex: UInt8, linkType: UInt8)
    let tableSettings = PeerTableSettings()
    let arcs = ArcSettings()

    /// Bytes that a note may have.
    static let noteBytes = 200

    /// - Throws: `simulationFailed` when the types are not found, which would be a fault of this file.
    init() throws(PlasmidError) {
        definition = DnaDefinition(
            name: "simulated",
            integrity: IntegritySection(
                entryTypes: [
                    EntryTypeDef(name: "note", maxBytes: Self.noteBytes),
                    EntryTypeDef(name: "diary", visibility: .private),
                ],
                linkTypes: [LinkTypeDef(name: "on")]))
        hash = definition.hash()
        system = SystemRules(dna: definition)
        declared = DeclarativeRules(dna: definition)
        guard let note = definition.integrity.appEntryDef(named: "note"),
            let diary = definition.integrity.appEntryDef(named: "diary"),
            let link = definition.integrity.linkIndexes(named: "on")
        else { throw PlasmidError(.simulationFailed, "The simulated app has no types.") }
        self.note = .app(note)
        self.diary = .app(diary)
        self.link = link
    }

    var pipeline: OpPipeline { OpPipeline(system: system, declared: declared, asksModules: false) }
}

/// What a simulated call writes.
struct SimScratch {
    var scratch: Scratch
    private let dna: SimDna
    private let now: Timestamp
    private let store: SimStore

    init(_ scratch: Scratch, _ dna: SimDna, now: Timestamp, _ store: SimStore) {
        self.scratch = scratch
        self.dna = dna
        self.now = now
        self.store = store
    }

    /// The first three actions of the chain.
    mutating func genesis() {
        if let begun = try? Genesis.scratch(dna: dna.hash, agent: scratch.author, membraneProof: nil, now: now) {
            scratch = begun
        }
    }

    /// One of the things that a person does, by chance: mostly notes.
    mutating func something(_ agent: SimAgent, _ random: inout SimRandom, others: [ActionHash]) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: diary(random.bytes(20))
        case 2, 3: link(from: others.randomElement(using: &random), to: agent.records.last?.hash)
        case 4: update(agent.records.filter { $0.action.entryType == dna.note }.randomElement(using: &random), &random)
        case 5: delete(agent.records.filter { $0.action.entryType == dna.note }.randomElement(using: &random))
        default: note(random.bytes(Int.random(in: 1...40, using: &random)))
        }
        if scratch.isEmpty { note(random.bytes(12)) }
    }

    mutating func note(_ text: [UInt8]) {
        _ = try? scratch.create(dna.note, .app(MessagePackValue.binary(text).packed), now: now)
    }

    mutating func diary(_ text: [UInt8]) {
        _ = try? scratch.create(dna.diary, .app(MessagePackValue.binary(text).packed), now: now)
    }

    mutating func link(from base: ActionHash?, to target: ActionHash?) {
        guard let base, let target else { return }
        _ = try? scratch.createLink(
            base: AnyLinkableHash(base), target: AnyLinkableHash(target), zomeIndex: dna.link.zomeIndex,
            linkType: dna.link.linkType, tag: [], now: now)
    }

    private mutating func update(_ record: Record?, _ random: inout SimRandom) {
        guard let record, let entry = record.action.entryHash else { return }
        _ = try? scratch.update(
            record.hash, originalEntry: entry, dna.note, .app(MessagePackValue.binary(random.bytes(9)).packed), now: now
        )
    }

    private mutating func delete(_ record: Record?) {
        guard let record, let entry = record.action.entryHash else { return }
        _ = try? scratch.delete(record.hash, entry: entry, now: now)
    }
}
