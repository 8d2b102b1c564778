import Integrity

/// The host operations on clones: for the caller's own app only.
///
/// Beginning a chain asks other modules and waits for the disk: meanwhile the call holds nothing up, as with a message.
extension Cell {
    /// Longest time that making or changing a clone may take, in milliseconds.
    private static var cloneTimeout: UInt32 { 60_000 }

    func changeClones(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        switch operation {
        case .createClone:
            let wanted = try request.decode(CreateCloneRequest.self)
            let order = CloneOrder(
                role: wanted.role, name: wanted.name,
                modifiers: DnaModifiers(
                    networkSeed: wanted.networkSeed, properties: try properties(wanted.properties)),
                membraneProof: wanted.membraneProof)
            try change(request, "a clone of `\(wanted.role)`") { [self] done throws(PlasmidError) in
                try conductor.clone(appID, order, done)
            }
        case .deleteClone:
            let id = try request.decode(CloneIDRequest.self).clone
            try refuseOwn(id)
            try waitOutside(request, timeoutMilliseconds: Self.cloneTimeout, what: "deleting `\(id)`") { [self] reply in
                conductor.deleteClone(appID, id) { reply($0.map { [0xc0] }) }
            }
        default:
            let id = try request.decode(CloneIDRequest.self).clone
            let enables = operation == .enableClone
            if !enables { try refuseOwn(id) }
            try change(request, "the clone `\(id)`") { [self] done throws(PlasmidError) in
                try conductor.setCloneEnabled(appID, id, enables, done)
            }
        }
    }

    private func properties(_ bytes: [UInt8]?) throws(PlasmidError) -> MessagePackValue? {
        guard let bytes else { return nil }
        return try MessagePackValue(packed: bytes)
    }

    /// A cell that stopped itself could not answer the call that asked it to.
    private func refuseOwn(_ id: String) throws(PlasmidError) {
        guard instanceID == "\(appID)/\(id)" else { return }
        throw PlasmidError(
            .badInput, "the clone `\(id)` cannot put itself out of service", hint: "let another role of the app do it")
    }

    private func change(
        _ request: HostRequest, _ what: String,
        _ work: @escaping (@escaping (Result<ClonedCell, PlasmidError>) -> Void) throws(PlasmidError) -> Void
    ) throws(PlasmidError) {
        try waitOutside(request, timeoutMilliseconds: Self.cloneTimeout, what: what) { [self] reply in
            start(reply) { () throws(PlasmidError) in
                try work { reply($0.map(\.packed)) }
            }
        }
    }

    private func start(
        _ reply: (Result<[UInt8], PlasmidError>) -> Void, _ work: () throws(PlasmidError) -> Void
    ) {
        do throws(PlasmidError) {
            try work()
        } catch {
            reply(.failure(error))
        }
    }
}
