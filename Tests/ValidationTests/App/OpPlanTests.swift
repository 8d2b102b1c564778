import Integrity
import Sodium
import Testing
import Validation

@Suite("which op goes to which validator")
struct OpPlanTests {
    private let world: World
    private let hello = World.text("hello")

    init() throws { world = try World() }

    private func module(
        _ zome: String = "rules", entries: [String] = [], links: [String] = [], activity: Bool = false
    ) -> ModuleDescription {
        ModuleDescription(
            abi: 1, hdk: "1", zome: zome, kind: .integrity, callbacks: ["validate"], validates: entries,
            validatesLinks: links, validatesActivity: activity)
    }

    private func asked(
        _ records: [Record], _ modules: ModuleDescription?..., dna: DnaDefinition = World.dna
    ) throws -> [String: [String]] {
        let plan = try OpPlan(records, dna: dna, modules: modules, reads: world.held)
        let pairs = plan.requests.map { ($0.zome, $0.ops.map { "\($0.name)" }) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test("a create is asked about as record and as entry, a private one as record only")
    func create() throws {
        let note = world.record(world.create("note", hello), hello)
        let diary = world.record(world.create("diary", hello), hello)
        let module = module(entries: ["note", "diary"])
        #expect(try asked([note], module) == ["rules": ["CreateRecord", "CreateEntry"]])
        #expect(try asked([diary], module) == ["rules": ["CreateRecord"]])
    }

    @Test("a validator is asked only about the types that it declares; no validator, no question")
    func declared() throws {
        let note = world.record(world.create("note", hello), hello)
        let link = world.record(world.link("mine", AnyLinkableHash(world.alice.key), .action(world.note.hash)))
        #expect(try asked([note, link], module(entries: ["diary"], links: ["inbox"])).isEmpty)
        #expect(try asked([note, link], nil).isEmpty)
        #expect(try asked([note, link], module(links: ["mine"])) == ["rules": ["CreateRecord", "CreateLink"]])
    }

    @Test("updates, deletions and links taken back go to the owner of what they are about")
    func others() throws {
        var world = world
        let noteEntry = try #require(world.note.entryHash)
        let update = world.record(
            world.next(
                .update(
                    originalAction: world.note.hash, originalEntry: noteEntry, entryType: World.type("note"),
                    entryHash: hello.hash)), hello)
        let delete = world.record(world.next(.delete(deletesAction: world.note.hash, deletesEntry: noteEntry)))
        let made = world.link("mine", AnyLinkableHash(world.alice.key), .action(world.note.hash))
        world.held.hold(made)
        let back = world.record(world.next(.deleteLink(base: AnyLinkableHash(world.alice.key), linkAdd: made.hash)))
        let module = module(entries: ["note"], links: ["mine"])
        let plan = try OpPlan([update, delete, back], dna: World.dna, modules: [module], reads: world.held)
        let names = plan.requests.flatMap { $0.ops.map { "\($0.name)" } }
        let expected = [
            "CreateRecord", "CreateEntry", "Update", "CreateRecord", "Delete", "CreateRecord", "DeleteLink",
        ]
        #expect(names == expected)
        #expect(plan.requests.last?.ops.last == .deleteLink(back.signedAction, createLink: made))
    }

    @Test("agent activity goes to every zome that asks for it, whatever the action")
    func activity() throws {
        let bare = world.record(world.next(.initZomesComplete))
        let note = world.record(world.create("note", hello), hello)
        #expect(try asked([bare], module(activity: true)) == ["rules": ["AgentActivity"]])
        let both = try asked([note], module(entries: ["note"], activity: true))
        #expect(both == ["rules": ["CreateRecord", "CreateEntry", "AgentActivity"]])
    }

    @Test("with two integrity zomes each is asked about its own types")
    func twoZomes() throws {
        var dna = World.dna
        dna.integrity.zomes.append(IntegrityZomeDef(name: "more", module: "More", sources: "More", digest: Bytes32()))
        dna.integrity.entryTypes.append(EntryTypeDef(name: "photo", zome: "more"))
        let note = world.record(world.create("note", hello), hello)
        let photoType = try #require(dna.integrity.appEntryDef(named: "photo"))
        let photo = world.record(world.next(.create(entryType: .app(photoType), entryHash: hello.hash)), hello)
        let asked = try asked(
            [note, photo], module(entries: ["note"]), module("more", entries: ["photo"], activity: true), dna: dna)
        let create = ["CreateRecord", "CreateEntry"]
        #expect(asked == ["rules": create, "more": ["AgentActivity"] + create + ["AgentActivity"]])
    }

    @Test("§11.45 any rejection wins and keeps the validator's words; then what is unresolved; else all is valid")
    func fold() throws {
        let note = world.record(world.create("note", hello), hello)
        let plan = try OpPlan([note], dna: World.dna, modules: [module(entries: ["note"])], reads: world.held)
        let gap = AnyDhtHash(hello.hash)
        #expect(try plan.fold([[.valid, .valid]]) == .valid)
        #expect(try plan.fold([[.unresolved([gap]), .unresolved([gap])]]) == .unresolved([gap]))
        #expect(try plan.fold([[.valid, .unresolved([])]]) == .unresolved([]))
        guard case .invalid(let violation) = try plan.fold([[.unresolved([gap]), .invalid("no hello here")]]) else {
            Issue.record("a rejection wins over what is unresolved")
            return
        }
        #expect(violation.error.message == "no hello here" && violation.error.code == .validationFailed)
        #expect(violation.error.cause == "rules rejected CreateEntry of action \(note.hash)")
        for wrong in [[], [[.valid]], [[.valid, .valid, .valid]]] as [[[ValidateOutcome]]] {
            #expect(throws: PlasmidError.self) { try plan.fold(wrong) }
        }
    }
}
