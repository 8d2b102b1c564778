import Integrity

/// Reads that ask the holders where the answer is not here.
extension Cell {
    /// What a read found here.
    struct ReadAnswer {
        let bytes: [UInt8]
        /// Whether that is nothing.
        let isMissing: Bool
    }

    /// Answers a read with what is here; where that is nothing, or this node is no holder of the base, holders are asked
    /// first. Other calls of the cell go on meanwhile.
    /// - Parameters:
    ///   - base: the address that the read is about.
    ///   - local: whether only what is here is wanted.
    ///   - read: reads; done again after holders were asked. `missingDependency` means that nothing is here.
    func answer(
        _ request: HostRequest, about base: AnyLinkableHash, local: Bool,
        _ read: @escaping () throws(PlasmidError) -> ReadAnswer
    ) throws(PlasmidError) {
        let here = Result { () throws(PlasmidError) in try read() }
        let isMissing =
            switch here {
            case .success(let answer): answer.isMissing
            case .failure(let error): error.code == .missingDependency
            }
        guard !local, let network = space.network, network.asks(about: base, isMissing: isMissing) else {
            return request.succeed(try here.get().bytes)
        }
        if case .failure(let error) = here, error.code != .missingDependency { throw error }
        try waitOutside(request, timeoutMilliseconds: 30_000, what: "asking the holders of \(base)") { reply in
            network.gather(base) { reply(Result { () throws(PlasmidError) in try read().bytes }) }
        }
    }

    /// `mustGet…` in a call: what is not here is asked for.
    func mustGet(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        let base: AnyLinkableHash
        switch operation {
        case .mustGetEntry: base = .entry(try request.decode(MustGetEntryRequest.self).hash)
        case .mustGetAgentActivity:
            base = AnyLinkableHash(try request.decode(MustGetAgentActivityRequest.self).author)
        default: base = .action(try request.decode(MustGetActionRequest.self).hash)
        }
        try answer(request, about: base, local: false) { () throws(PlasmidError) in
            ReadAnswer(bytes: try request.view().mustGet(operation, request.bytes), isMissing: false)
        }
    }
}
