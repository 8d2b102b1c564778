import Chain
import Integrity

/// Details, versions and the chains of agents.
extension Cell {
    func readVersions(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        fixedHead(request.call)
        let view = try request.view().cascade
        var writer = MessagePackWriter()
        switch operation {
        case .getDetails: writer.write(try view.details(of: try request.decode(GetRequest.self).hash))
        case .getLatest:
            let wanted = try request.decode(VersionRequest.self)
            writer.write(try view.latest(of: wanted.hash, author: wanted.author))
        default:
            let wanted = try request.decode(VersionRequest.self)
            writer.write(try view.history(of: wanted.hash, author: wanted.author))
        }
        request.succeed(writer.bytes)
    }

    /// The own chain as of the call's head, every other as it is stored.
    func agentActivity(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(AgentActivityRequest.self)
        let head = fixedHead(request.call)
        let view = try request.view().cascade
        let filter = try space.chainFilter(wanted.query, author: wanted.agent, view: view)
        request.succeed(
            try view.activity(
                of: wanted.agent, wanted.full ? filter : nil, head: wanted.agent == id.agent ? head : nil
            ).packed)
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
