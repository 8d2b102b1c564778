import Chain
import Integrity
import Sodium
import Storage
import Validation
import ZomeRuntime

/// One DNA that runs here: its definition, its stored space, its validators, its cells.
///
/// Confined to the conductor loop.
final class SpaceContext {
    let dna: DnaHash
    /// Its coordinator zomes are those that were taken up last: they may differ between cells.
    var definition: DnaDefinition
    let store: Space
    let conductor: Conductor
    let declaredRules: DeclarativeRules
    /// What the cells' chains take in unique fields, as far as they are stored.
    let uniqueValues = UniqueMemory()
    var cells: [AgentPubKey: Cell] = [:] {
        didSet { conductor.settleNetwork() }
    }
    /// The other conductors of the space; nil while this one works alone.
    var network: SpaceNetwork? {
        didSet { peers = network }
    }
    /// The same, as far as signals and operators need it.
    weak var peers: (any SpacePeers)?
    var validators: (any ZomeRunner)?
    var validatorModules: ValidatorModules?
    /// The modules that the validators run, in the order of the zomes.
    var validatorFiles: [String?] = []
    /// What each running validation may look at beyond the store: the writes that it judges.
    var views: [UInt64: any ValidatorView] = [:]
    /// What the validators are made of, for processes that are started for one op.
    var validatorSpecs: [ModuleSpec] = []
    private var incomingOps: IncomingOps?

    /// Ops of others.
    var incoming: IncomingOps {
        if let incomingOps { return incomingOps }
        let made = IncomingOps(self)
        incomingOps = made
        return made
    }

    /// How much of each other agent's signals is let in.
    var signalGate = SignalGate()

    init(dna: DnaHash, definition: DnaDefinition, store: Space, conductor: Conductor) {
        self.dna = dna
        self.definition = definition
        self.store = store
        self.conductor = conductor
        declaredRules = DeclarativeRules(dna: definition)
    }

    /// Ops of others, if there were any since the start: who only looks, or leaves, shall not begin to take them.
    var incomingIfAny: IncomingOps? { incomingOps }

    /// The last cell is gone: ops of others are taken no more.
    func endIncoming() {
        incomingOps?.stop()
        incomingOps = nil
    }

    /// Other validators are there.
    func validatorsChanged() { incomingOps?.validatorsChanged() }

    // MARK: Names of the manifest

    func entryType(_ name: String) throws(PlasmidError) -> (app: AppEntryDef, definition: EntryTypeDef) {
        guard let app = definition.integrity.appEntryDef(named: name), let found = definition.entryType(app) else {
            throw PlasmidError(
                .unknownEntryType,
                "the DNA has no entry type `\(name)`; \(Self.known(definition.integrity.entryTypes.map(\.name)))",
                hint: "compare with entry_types of its manifest")
        }
        return (app, found)
    }

    func linkType(_ name: String) throws(PlasmidError) -> LinkTypeNumber {
        guard let found = definition.integrity.linkIndexes(named: name) else {
            throw PlasmidError(
                .unknownLinkType,
                "the DNA has no link type `\(name)`; \(Self.known(definition.integrity.linkTypes.map(\.name)))",
                hint: "compare with link_types of its manifest")
        }
        return LinkTypeNumber(zomeIndex: found.zomeIndex, linkType: found.linkType)
    }

    /// In the sentence, since a module passes on no hint of what the host refused it.
    private static func known(_ names: [String]) -> String {
        names.isEmpty ? "it has none" : "it has \(names.prefix(30).joined(separator: ", "))"
    }

    func isAgent(_ entry: EntryHash) throws(PlasmidError) -> Bool {
        try store.head(of: AgentPubKey(core: entry.core)) != nil
    }

    /// The same answers for every cell and validator of the space.
    func answer(_ operation: HostOperation, _ bytes: [UInt8], zome: String) throws(PlasmidError) -> [UInt8] {
        try DnaFacts(dna: dna, definition: definition).answer(operation, bytes, zome: zome)
    }
}

/// What a DNA is, and nothing that its chains hold.
struct DnaFacts {
    let dna: DnaHash
    let definition: DnaDefinition

    // MARK: Operations that need no agent

    /// `dnaInfo`, `properties`, `verify` and `hash`: the same answer for every cell and validator of the space.
    func answer(
        _ operation: HostOperation, _ bytes: [UInt8], zome: String
    ) throws(PlasmidError) -> [UInt8] {
        switch operation {
        case .dnaInfo:
            return DnaInfo(
                name: definition.name, hash: dna, networkSeed: definition.integrity.networkSeed,
                properties: definition.integrity.properties.packed,
                zomes: definition.integrity.zomes.map(\.name) + definition.coordinator.map(\.name),
                entryTypes: typeNames(definition.integrity.entryTypes, \.name, \.zome, askedBy: zome),
                linkTypes: typeNames(definition.integrity.linkTypes, \.name, \.zome, askedBy: zome)
            ).packed
        case .properties: return definition.integrity.properties.packed
        case .verify: return try verify(VerifyRequest(packed: bytes), zome: zome).packed
        default: return try hash(HashRequest(packed: bytes))
        }
    }

    /// An integrity zome learns its own types, in the order of their indexes; everybody else all of them.
    private func typeNames<Type>(
        _ types: [Type], _ name: (Type) -> String, _ owner: (Type) -> String?, askedBy zome: String
    ) -> [String] {
        let integrity = definition.integrity.zomes.map(\.name)
        guard integrity.contains(zome) else { return types.map(name) }
        return types.filter { (owner($0) ?? integrity.first) == zome }.map(name)
    }

    /// A signature that a zome made with `sign`: in this DNA and by the zome that asks, unless the request says else.
    private func verify(_ request: VerifyRequest, zome: String) -> Bool {
        let message = SigningDomain.app(dna: request.dna ?? dna, zome: request.zome ?? zome, data: request.data)
        return request.signature.verifies(message, by: request.agent)
    }

    private func hash(_ request: HashRequest) throws(PlasmidError) -> [UInt8] {
        guard request.kind == "blake2b256" else {
            throw PlasmidError(
                .badInput, "there is no hash kind `\(request.kind)`", hint: "blake2b256 is what this version knows")
        }
        var writer = MessagePackWriter()
        writer.writeBinary(EntryHash(hashing: request.data).core.array)
        return writer.bytes
    }
}

extension CallView {
    /// `mustGet…`: what is there is given, what is not is an error that names it.
    func mustGet(_ operation: HostOperation, _ bytes: [UInt8]) throws(PlasmidError) -> [UInt8] {
        switch operation {
        case .mustGetEntry:
            let hash = try MustGetEntryRequest(packed: bytes).hash
            if let entry = try heldEntry(hash) { return entry.packed }
            guard let entry = try knownEntry(hash) else { throw Self.missing(hash.text) }
            return entry.packed
        case .mustGetAction:
            let hash = try MustGetActionRequest(packed: bytes).hash
            if let action = try cascade.signedAction(hash) { return action.packed }
            guard let action = try known(hash) else { throw Self.missing(hash.text) }
            return action.packed
        case .mustGetAgentActivity:
            let wanted = try MustGetAgentActivityRequest(packed: bytes)
            return try cascade.mustGetActivity(of: wanted.author, wanted.filter).packed
        default:
            let hash = try MustGetActionRequest(packed: bytes).hash
            if let record = try cascade.anyRecord(hash) { return shaped(record).packed }
            guard hidesPrivate, let record = try space.store.knownRecord(hash)?.record, record.entry != .notStored
            else {
                throw Self.missing(hash.text)
            }
            return record.packed
        }
    }

    /// What validators may look at is also here as a dependency of others' ops.
    private func known(_ hash: ActionHash) throws(PlasmidError) -> SignedAction? {
        hidesPrivate ? try space.store.knownAction(hash) : nil
    }

    private func knownEntry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        hidesPrivate ? try space.store.knownEntry(hash) : nil
    }

    func heldEntry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        guard hidesPrivate else { return try cascade.entry(hash) }
        if let pending = pendingEntry(hash) { return pending }
        return try cascade.stored.entry(hash)
    }

    /// A public entry that a call brought which this view builds on.
    func pendingEntry(_ hash: EntryHash) -> Entry? {
        for layer in cascade.layers {
            let creates = layer.creates(of: hash)
            if let create = creates.first(where: { $0.action.entryType?.visibility != .private }) {
                return create.entry
            }
        }
        return nil
    }

    private func shaped(_ record: Record) -> Record {
        guard hidesPrivate, record.action.entryType?.visibility == .private else { return record }
        return Record(signedAction: record.signedAction, entry: .hidden)
    }

    static func missing(_ hash: String) -> PlasmidError {
        PlasmidError(.missingDependency, "\(hash) is not held here", hint: "it may arrive later; nothing was decided")
    }
}

extension DnaDefinition {
    /// The entry type that an action's indexes name.
    func entryType(_ app: AppEntryDef) -> EntryTypeDef? {
        integrity.entryType(zomeIndex: app.zomeIndex, entryIndex: app.entryIndex)
    }
}
