import Integrity
import Testing
import Validation

@Suite("rule 29: capability grants and claims")
struct GrantRuleTests {
    private let world: World
    private let post = ZomeFunction(zome: "blog", function: "post")

    init() throws { world = try World() }

    private func broken(_ access: CapAccess, _ functions: GrantedFunctions, tag: String = "t") throws -> Int? {
        let entry = Entry.capGrant(ZomeCallCapGrant(tag: tag, access: access, functions: functions))
        return try world.broken(world.next(.create(entryType: .capGrant, entryHash: entry.hash)), entry)
    }

    private func refusal(
        _ access: GrantAccess, _ assignees: [AgentPubKey], _ functions: GrantedFunctions
    ) -> PlasmidError.Code? {
        do throws(PlasmidError) {
            let request = GrantRequest(tag: "t", access: access, assignees: assignees, functions: functions)
            try GrantRules.check(request, dna: World.dna)
        } catch {
            return error.code
        }
        return nil
    }

    @Test("sound grants and claims are valid")
    func valid() throws {
        let bob = world.bob.key
        #expect(try broken(.unrestricted, .listed([post])) == nil)
        #expect(try broken(.transferable(secret: .random()), .all) == nil)
        #expect(try broken(.assigned(secret: .random(), assignees: [bob]), .listed([post])) == nil)
        let claim = Entry.capClaim(CapClaim(tag: "t", grantor: bob, secret: .random()))
        #expect(try world.check(world.next(.create(entryType: .capClaim, entryHash: claim.hash)), claim) == .valid)
        #expect(refusal(.public, [], .listed([post])) == nil)
        #expect(refusal(.transferable, [], .all) == nil)
        #expect(refusal(.assigned, [bob], .listed([post])) == nil)
    }

    @Test("§11.71 assigned without assignees, public or transferable with some, unknown zome or function: refused")
    func unsound() throws {
        let bob = world.bob.key
        #expect(refusal(.assigned, [], .listed([post])) == .badCapability)
        #expect(refusal(.public, [bob], .listed([post])) == .badCapability)
        #expect(refusal(.transferable, [bob], .listed([post])) == .badCapability)
        let unknownZome = GrantedFunctions.listed([ZomeFunction(zome: "shop", function: "post")])
        let unknownFunction = GrantedFunctions.listed([post, ZomeFunction(zome: "blog", function: "burn")])
        let authorsOwn = GrantedFunctions.listed([ZomeFunction(zome: "blog", function: "secret")])
        #expect(refusal(.transferable, [], unknownZome) == .unknownZome)
        #expect(refusal(.transferable, [], unknownFunction) == .unknownFunction)
        #expect(refusal(.transferable, [], authorsOwn) == .badCapability)
        #expect(refusal(.transferable, [], .listed([])) == .badCapability)
        #expect(try broken(.assigned(secret: .random(), assignees: []), .listed([post])) == 29)
        #expect(try broken(.unrestricted, unknownZome) == 29)
        #expect(try broken(.unrestricted, unknownFunction) == 29)
        #expect(try broken(.unrestricted, authorsOwn) == 29)
        #expect(try broken(.unrestricted, .listed([])) == 29)
    }

    @Test("a grant's tag, agents and functions are bounded")
    func bounds() throws {
        let tag = String(repeating: "x", count: Limits.capTagBytes)
        #expect(try broken(.unrestricted, .all, tag: tag) == nil)
        #expect(try broken(.unrestricted, .all, tag: tag + "x") == 29)
        let many = Array(repeating: post, count: Limits.capFunctions + 1)
        #expect(try broken(.unrestricted, .listed(many)) == 29)
        let crowd = Array(repeating: world.bob.key, count: Limits.capAssignees + 1)
        #expect(try broken(.assigned(secret: .random(), assignees: crowd), .all) == 29)
        let claim = Entry.capClaim(CapClaim(tag: tag + "x", grantor: world.bob.key, secret: .random()))
        #expect(try world.broken(world.next(.create(entryType: .capClaim, entryHash: claim.hash)), claim) == 29)
    }
}
