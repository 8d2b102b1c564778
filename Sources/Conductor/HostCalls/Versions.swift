import Chain
import Integrity

/// Details, versions and the chains of agents.
extension Cell {
    func readVersions(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        if operation == .getDetails {
            let wanted = try request.decode(GetRequest.self)
            return try answer(request, about: AnyLinkableHash(wanted.hash), local: wanted.local) {
                () throws(PlasmidError) in
                self.fixedHead(request.call)
                let found = try request.view().cascade.details(of: wanted.hash)
                return ReadAnswer(bytes: found.packed, isMissing: found == nil)
            }
        }
        let wanted = try request.decode(VersionRequest.self)
        try answer(request, about: AnyLinkableHash(wanted.hash), local: false) { () throws(PlasmidError) in
            self.fixedHead(request.call)
            let view = try request.view().cascade
            if operation == .getLatest {
                let found = try view.latest(of: wanted.hash, author: wanted.author)
                return ReadAnswer(bytes: found.packed, isMissing: found == nil)
            }
            let found = try view.history(of: wanted.hash, author: wanted.author)
            return ReadAnswer(bytes: found.packed, isMissing: false)
        }
    }

    /// The own chain as of the call's head, every other as it is stored.
    func agentActivity(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(AgentActivityRequest.self)
        try answer(request, about: AnyLinkableHash(wanted.agent), local: wanted.agent == id.agent) {
            [self] () throws(PlasmidError) in
            let head = fixedHead(request.call)
            let view = try request.view().cascade
            let filter = try space.chainFilter(wanted.query, author: wanted.agent, view: view)
            let found = try view.activity(
                of: wanted.agent, wanted.full ? filter : nil, head: wanted.agent == id.agent ? head : nil)
            return ReadAnswer(bytes: found.packed, isMissing: false)
        }
    }

    /// What the manifest says of the zome that asks.
    func zomeInfo(_ request: HostRequest) throws(PlasmidError) {
        let zome = zomes[request.step.zome]
        let info = try DnaInfo(packed: try space.answer(.dnaInfo, [], zome: zome.name))
        request.succeed(
            ZomeInfo(
                name: zome.name, index: UInt32(request.step.zome), kind: "coordinator", entryTypes: info.entryTypes,
                linkTypes: info.linkTypes, functions: zome.functions.map(\.name)
            ).packed)
    }
}
