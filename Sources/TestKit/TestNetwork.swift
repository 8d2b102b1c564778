import Foundation
import Integrity
import NIOCore
import NIOPosix
import Synchronization

/// Several conductors in one test, in this process, with people, a clock and faults.
///
/// ```swift
/// try await TestNetwork.run { network in
///     let home = try await network.conductor("home")
///     let ada = try await network.person("ada", happ: path, on: home)
///     let ben = try await network.person("ben", happ: path, on: home)
///     let note = try await ada.call("write", ["text": "hello"], as: ActionHash.self)
///     try await network.until([ada, ben], hold: note)
/// }
/// ```
/// Conductors of one network know of each other, over loopback: people on different ones meet as they do under `plasmid run`.
public final class TestNetwork: Sendable {
    /// The wall clock of every conductor of this network.
    public let clock: VirtualClock
    /// What becomes of messages between people.
    public let messages = MessageFaults()
    /// What people did, in the order in which it was answered.
    public let transcript = Transcript()
    let bell = Bell()
    /// From when on the network's clocks go on by themselves, at every start the same.
    let started = NIODeadline.now()
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private let folder: String
    private let nodes = Mutex<[String: TestConductor]>([:])
    /// Whether its conductors are on a network.
    let isConnected: Bool
    private let place: MeetingPlace
    /// The address of the bootstrap server, where conductors meet there instead of knowing each other.
    private let server = Mutex<String?>(nil)
    /// How many agents shall hold each op at least.
    public let holders: Int

    private init(clock: VirtualClock, isConnected: Bool, holders: Int) throws {
        self.clock = clock
        self.isConnected = isConnected
        place = MeetingPlace(group.next())
        self.holders = holders
        folder = FileManager.default.temporaryDirectory.path + "/plasmid-network-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Runs a test with a network of its own; its conductors are ended and their folders removed in any case.
    /// - Parameters:
    ///   - connected: false for conductors that know nothing of each other.
    ///   - meeting: for conductors that know of a server only: where they find each other.
    ///   - holders: how many agents shall hold each op at least. With few more people than that everybody holds everything; a small number
    ///     shows how an app does where people hold parts.
    public static func run<Result: Sendable>(
        clock: VirtualClock = VirtualClock(), connected: Bool = true, meeting: Meeting? = nil, holders: Int = 25,
        _ body: @Sendable (TestNetwork) async throws -> Result
    ) async throws -> Result {
        let network = try TestNetwork(clock: clock, isConnected: connected, holders: holders)
        clock.whenMoved { [weak network] in network?.clockMoved() }
        do {
            if let meeting {
                let address = try await network.place.start(meeting, clock: clock)
                network.server.withLock { $0 = address }
            }
            let result = try await body(network)
            try await network.end()
            return result
        } catch {
            try? await network.end()
            throw error
        }
    }

    private func clockMoved() {
        for node in nodes.withLock({ Array($0.values) }) { node.clockMoved() }
        bell.ring()
    }

    private func end() async throws {
        for node in nodes.withLock({ Array($0.values) }) { try await node.stop() }
        try await place.stop()
        try? FileManager.default.removeItem(atPath: folder)
        try await group.shutdownGracefully()
    }

    /// The conductor of this name, started when it is first asked for.
    public func conductor(_ name: String = "one", _ settings: TestConductor.Settings = .init()) async throws
        -> TestConductor
    {
        if let node = nodes.withLock({ $0[name] }) { return node }
        let node = TestConductor(
            name: name, folder: "\(folder)/\(name)", settings: settings, network: self, loop: group.next())
        nodes.withLock { $0[name] = node }
        try await node.start()
        return node
    }

    /// Installs an app for a person: an agent, a key and a chain of their own.
    /// - Parameters:
    ///   - name: the person's name, which is the app's id too.
    ///   - happ: path of the hApp file.
    ///   - node: the conductor; the first one if nil.
    /// - Throws: ``Refusal``: faults of the manifest, a module that is not built, a name that is taken.
    public func person(
        _ name: String, happ: String, on node: TestConductor? = nil, networkSeed: String? = nil
    ) async throws -> Person {
        let place: TestConductor
        if let node { place = node } else { place = try await conductor() }
        return try await place.install(name, happ: happ, networkSeed: networkSeed)
    }

    /// Waits until a condition holds: it is looked at now, and again after every call that was answered, every signal and
    /// every start and stop in this network.
    /// - Parameters:
    ///   - what: what is waited for, for the error.
    ///   - seconds: how long at most, in real time. A test that passes never waits so long.
    /// - Throws: ``Refusal`` with `timeout`, or what `holds` throws.
    public func until(
        _ what: String, within seconds: Double = 10, _ holds: @Sendable () async throws -> Bool
    ) async throws {
        let late = Flag()
        let timer = group.next().scheduleTask(in: .milliseconds(Int64(seconds * 1_000))) { [bell] in
            late.set()
            bell.ring()
        }
        defer { timer.cancel() }
        while true {
            let seen = bell.rings
            if try await holds() { return }
            guard !late.isSet else { throw Refusal(code: "timeout", message: "\(what): not within \(seconds) s") }
            await bell.wait(after: seen)
        }
    }

    /// Where the others may be found: the bootstrap server, or the addresses of every running conductor but `node`.
    func addresses(besides node: TestConductor) -> [String] {
        if let address = server.withLock({ $0 }) { return [address] }
        return knownAddresses(besides: node)
    }

    private func knownAddresses(besides node: TestConductor) -> [String] {
        nodes.withLock { nodes in
            nodes.values.filter { $0 !== node }.sorted { $0.name < $1.name }.flatMap(\.addresses)
        }
    }

    /// Waits until the conductors of all these people hold an action or entry: what a gossiping network comes to by itself.
    /// - Throws: ``Refusal``: `notSupported` if they are on several conductors that are not connected, `timeout`.
    public func until(_ people: [Person], hold hash: AnyDhtHash, within seconds: Double = 30) async throws {
        if !isConnected { try Self.together(people) }
        try await until("\(people.map(\.name).joined(separator: ", ")) hold \(hash)", within: seconds) {
            for person in people where try await !person.holds(hash) { return false }
            return true
        }
    }

    /// The same for an action.
    public func until(_ people: [Person], hold action: ActionHash, within seconds: Double = 30) async throws {
        try await until(people, hold: AnyDhtHash(action), within: seconds)
    }

    private static func together(_ people: [Person]) throws {
        guard let first = people.first, let far = people.first(where: { $0.conductor !== first.conductor }) else {
            return
        }
        throw Refusal(
            code: "notSupported",
            message: "\(first.name) and \(far.name) are on two conductors, which are not connected")
    }
}

/// A switch that is set once.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock { $0 } }

    func set() { state.withLock { $0 = true } }
}
