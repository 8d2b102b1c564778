import Integrity

extension Host {
    /// Makes a clone of a role of this app: a cell of its own with the same zomes, in a network that the seed or the
    /// properties make another. It takes calls at once, as ``CallTarget/role(_:)`` with its id.
    ///
    /// ```swift
    /// let room = try await host.createClone(of: "room", name: "Garden", networkSeed: invitation.seed)
    /// try await host.call(.role(room.clone), zome: "chat", "enter", me, as: Bool.self)
    /// ```
    /// How many clones of a role may be enabled at a time, the hApp file says (`clone_limit`). Making a clone is not undone
    /// when this call fails afterwards.
    /// - Parameters:
    ///   - membraneProof: what the clone's genesis self-check and validators ask for.
    /// - Throws: `unknownRole`, `cloneLimitReached`, `cellExists` for a network in which this agent is already,
    ///   `joinRefused`.
    public func createClone(
        of role: String, name: String? = nil, networkSeed: String? = nil, membraneProof: [UInt8]? = nil
    ) async throws -> ClonedCell {
        try await live.ask(
            .createClone,
            CreateCloneRequest(role: role, name: name, networkSeed: networkSeed, membraneProof: membraneProof))
    }

    /// The same with properties of the clone's own in place of those of the role's DNA.
    public func createClone<Properties: Encodable>(
        of role: String, name: String? = nil, networkSeed: String? = nil, properties: Properties,
        membraneProof: [UInt8]? = nil
    ) async throws -> ClonedCell {
        try await live.ask(
            .createClone,
            CreateCloneRequest(
                role: role, name: name, networkSeed: networkSeed, properties: try ValueCodec.output(properties),
                membraneProof: membraneProof))
    }

    /// Lets a disabled clone take calls again.
    /// - Throws: `unknownRole`, `cloneLimitReached`.
    public func enableClone(_ clone: String) async throws -> ClonedCell {
        try await live.ask(.enableClone, CloneIDRequest(clone: clone))
    }

    /// Takes a clone out of service. What it holds stays.
    /// - Throws: `unknownRole`.
    public func disableClone(_ clone: String) async throws {
        _ = try await live.askRaw(.disableClone, CloneIDRequest(clone: clone))
    }

    /// Takes a disabled clone out of the app, for good: its id is not used again.
    /// - Throws: `unknownRole`, `cloneEnabled`.
    public func deleteClone(_ clone: String) async throws {
        _ = try await live.askRaw(.deleteClone, CloneIDRequest(clone: clone))
    }
}
