import Chain
import Integrity
import NIOCore
import Storage

/// The operations that write: each waits for the writer position, then adds to the call's scratch.
extension Cell {
    func write(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        if let refusal = writeRefusal { throw refusal }
        let work = try prepare(operation, request)
        let call = request.call
        withPosition(call, drop: request.drop) {
            guard request.isCurrent else { return request.drop() }
            do {
                let answer = try work(call)
                call.changed(in: request.moduleCall)
                request.succeed(answer)
                self.signSoon(call)
            } catch {
                request.fail(PlasmidError.from(error))
            }
        }
    }

    /// Signs while the module goes on with its answer, which would otherwise be waited for idly. What this cannot sign is
    /// met again, and told, when the call is validated.
    private func signSoon(_ call: ActiveCall) {
        conductor.loop.assumeIsolated().execute {
            guard !call.isOver else { return }
            try? call.sign()
        }
    }

    typealias Work = (ActiveCall) throws -> [UInt8]

    /// Reads the request and checks what can be checked before the position is asked for.
    private func prepare(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) -> Work {
        switch operation {
        case .create: try create(request)
        case .update: try update(request)
        case .delete: try delete(request)
        case .createLink: try createLink(request)
        case .createLinks: try createLinks(request)
        case .closeChain: try closeChain(request)
        case .openChain: try openChain(request)
        case .deleteLink: try deleteLink(request)
        case .commitCapabilityGrant: try commitGrant(request)
        case .commitCapabilityClaim: try commitClaim(request)
        case .updateCapabilityGrant: try updateGrant(request)
        case .revokeCapabilities: try revokeGrants(request)
        default: try revokeGrant(request)
        }
    }

    private var now: Timestamp { conductor.options.clock() }

    private func create(_ request: HostRequest) throws(PlasmidError) -> Work {
        let create = try request.decode(CreateRequest.self)
        let type = try space.entryType(create.entryType)
        if let publishing = create.publishing, publishing != .signed {
            throw PlasmidError(
                .notSupported, "`\(publishing.rawValue)` publishing is not supported yet", hint: "use `signed`")
        }
        try checkSize(create.entry, type.definition)
        return { [self] call in
            try call.scratch?.create(.app(type.app), .app(create.entry), now: now).packed ?? []
        }
    }

    private func checkSize(_ entry: [UInt8], _ type: EntryTypeDef) throws(PlasmidError) {
        guard entry.count <= min(type.maxBytes, Limits.entryBytes) else {
            throw PlasmidError(
                .entryTooLarge,
                "the entry has \(entry.count) bytes, type `\(type.name)` allows \(min(type.maxBytes, Limits.entryBytes))",
                hint: "raise max_bytes of the type (at most \(Limits.entryBytes)), or split the entry")
        }
    }

    private func update(_ request: HostRequest) throws(PlasmidError) -> Work {
        let update = try request.decode(UpdateRequest.self)
        return { [self] call in
            let view = try CallView(call: call).cascade
            guard let original = try view.action(update.original), let entry = original.entryHash,
                case .app(let app)? = original.entryType
            else { throw Self.notFound(update.original, "nothing that could be updated") }
            guard !(try view.isDeleted(update.original)) else {
                throw Self.notFound(update.original, "deleted and cannot be updated")
            }
            if let type = space.definition.entryType(app) { try checkSize(update.entry, type) }
            return try call.scratch?.update(
                update.original, originalEntry: entry, .app(app), .app(update.entry), now: now
            ).packed ?? []
        }
    }

    private func delete(_ request: HostRequest) throws(PlasmidError) -> Work {
        let delete = try request.decode(DeleteRequest.self)
        return { [self] call in
            let view = try CallView(call: call).cascade
            guard let original = try view.action(delete.address), let entry = original.entryHash,
                original.entryType != .agentPubKey
            else { throw Self.notFound(delete.address, "nothing that could be deleted") }
            return try call.scratch?.delete(delete.address, entry: entry, now: now).packed ?? []
        }
    }

    private func createLink(_ request: HostRequest) throws(PlasmidError) -> Work {
        let link = try checked(try request.decode(CreateLinkRequest.self))
        return { [self] call in
            try checkEnds([link], try CallView(call: call).cascade)
            return try call.scratch?.createLink(link, now: now).packed ?? []
        }
    }

    /// All of them, or none: whatever is wrong with one is found before the first is written, and what does not fit into
    /// the call any more takes the others back.
    private func createLinks(_ request: HostRequest) throws(PlasmidError) -> Work {
        let wanted = try request.decode(CreateLinksRequest.self).links
        guard wanted.count <= Limits.actionsPerCall else {
            throw PlasmidError(
                .tooManyWrites, "\(wanted.count) links are more than one call may make",
                hint: "at most \(Limits.actionsPerCall)")
        }
        let links = try wanted.map { link throws(PlasmidError) in try checked(link) }
        return { [self] call in
            try checkEnds(links, try CallView(call: call).cascade)
            let before = call.scratch
            do {
                return try links.compactMap { try call.scratch?.createLink($0, now: now) }.packed
            } catch {
                call.scratch = before
                throw error
            }
        }
    }

    private func checked(_ link: CreateLinkRequest) throws(PlasmidError) -> NewLink {
        let type = try space.linkType(link.type)
        guard link.tag.count <= Limits.linkTagBytes else {
            throw PlasmidError(
                .linkTagTooLarge, "the link tag has \(link.tag.count) bytes, at most \(Limits.linkTagBytes) are allowed"
            )
        }
        return NewLink(base: link.base, target: link.target, type: type, tag: link.tag)
    }

    private func checkEnds(_ links: [NewLink], _ view: CascadeView<StoredChain>) throws(PlasmidError) {
        for link in links {
            try checkHeld(link.base, "base", view)
            try checkHeld(link.target, "target", view)
        }
    }

    /// A link's ends must be there: what is not held here is most often a mistyped address. Agents and external addresses
    /// are taken as they are.
    private func checkHeld(_ end: AnyLinkableHash, _ name: String, _ view: CascadeView<StoredChain>)
        throws(PlasmidError)
    {
        if let action = end.action, try view.action(action) == nil {
            throw Self.notFound(action, "not held here, so it cannot be the link's \(name)")
        }
        if let entry = end.entry, !(try view.holds(entry)), !(try space.isAgent(entry)) {
            throw PlasmidError(
                .notFound, "\(entry) is not held here, so it cannot be the link's \(name)",
                hint: "commit the entry first; an agent's key may be used as it is")
        }
    }

    private static func notFound(_ hash: ActionHash, _ what: String) -> PlasmidError {
        PlasmidError(.notFound, "\(hash) is \(what)", hint: "use the address that create, update or createLink gave")
    }

    private func deleteLink(_ request: HostRequest) throws(PlasmidError) -> Work {
        let delete = try request.decode(DeleteLinkRequest.self)
        return { [self] call in
            let view = try CallView(call: call).cascade
            guard case .createLink(let base, _, _, _, _)? = try view.action(delete.address)?.data else {
                throw Self.notFound(delete.address, "no link")
            }
            return try call.scratch?.deleteLink(delete.address, base: base, now: now).packed ?? []
        }
    }

    /// Another key would have to sign, and would have to be this app's: that comes with the replacement of keys.
    private func closeChain(_ request: HostRequest) throws(PlasmidError) -> Work {
        let target = try request.decode(CloseChainRequest.self).target
        if case .agent? = target {
            throw PlasmidError(
                .notSupported, "a chain cannot be closed in favour of another key yet",
                hint: "name the DNA in which it goes on, or nothing")
        }
        return { [self] call in try call.scratch?.append(.closeChain(target), now: now).packed ?? [] }
    }

    private func openChain(_ request: HostRequest) throws(PlasmidError) -> Work {
        let open = try request.decode(OpenChainRequest.self)
        return { [self] call in
            try call.scratch?.append(.openChain(open.from, open.closeHash), now: now).packed ?? []
        }
    }
}

/// A link whose type is known and whose tag fits.
private struct NewLink {
    let base: AnyLinkableHash
    let target: AnyLinkableHash
    let type: LinkTypeNumber
    let tag: [UInt8]
}

extension Scratch {
    fileprivate mutating func createLink(_ link: NewLink, now: Timestamp) throws(PlasmidError) -> ActionHash {
        try createLink(
            base: link.base, target: link.target, zomeIndex: link.type.zomeIndex, linkType: link.type.linkType,
            tag: link.tag, now: now)
    }
}
