import Foundation
import Integrity

/// A real conductor for the tests of one app: chains, rules, capabilities and the modules' sandbox are those of
/// `plasmid run`; folder and keys are thrown away when the test ends.
///
/// ```swift
/// try await TestConductor.run { conductor in
///     let ada = try await conductor.person("ada")
///     let hash = try await ada.call("write", ["text": "hello"], as: ActionHash.self)
///     …
/// }
/// ```
/// It starts the `plasmid` program, which the environment variable `PLASMID` names, or else the first one on the `PATH`. A
/// start takes some tenths of a second. Several may run at a time, and know nothing of each other: conductors that meet over
/// a network are a later version's.
public final class TestConductor: Sendable {
    private let process: ConductorProcess
    private let happ: String

    private init(process: ConductorProcess, happ: String) {
        self.process = process
        self.happ = happ
    }

    /// Runs a test with a conductor of its own, which is ended in any case.
    /// - Parameters:
    ///   - happ: the hApp file; nil for the `happ.yaml` in the nearest folder above the test.
    ///   - modules: folders with built modules; the folder of the running test is always searched.
    ///   - file: the test's source file, from which `happ` is looked for.
    /// - Throws: what `body` throws; ``Refusal`` with `programNotFound` or `startFailed` when there is no conductor.
    public static func run<Result: Sendable>(
        happ: String? = nil, modules: [String] = [], file: String = #filePath,
        _ body: @Sendable (TestConductor) async throws -> Result
    ) async throws -> Result {
        let place = try happ ?? Places.happ(above: file)
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let process = ConductorProcess(folder: folder.path, modules: modules + [Places.products])
        try await process.start()
        defer { process.kill() }
        return try await body(TestConductor(process: process, happ: place))
    }

    /// Installs the app for a person of this name: an agent, a key and a chain of their own.
    /// - Throws: ``Refusal``: faults of the manifest, a module that cannot be loaded, a name that is taken.
    public func person(_ name: String) async throws -> Person {
        let info = try await admin(
            "admin/app/install", .map(["path": .string(happ), "app_id": .string(name)]))
        guard let agent = info["agent"]?.text else { throw Refusal(code: "internal", message: "no agent in \(info)") }
        let roles = (info["roles"]?.items ?? []).compactMap { role -> Person.Role? in
            guard let name = role["role"]?.text, let instance = role["instance_id"]?.text,
                let dna = role["dna_name"]?.text
            else { return nil }
            return Person.Role(name: name, instance: instance, dna: dna)
        }
        return Person(name: name, agent: try AgentPubKey(agent), roles: roles, process: process)
    }

    /// Any administrative method of docs/api.md.
    /// - Throws: ``Refusal`` with the conductor's code and words.
    public func admin(_ method: String, _ params: MessagePackValue = .emptyMap) async throws -> MessagePackValue {
        try await process.request(method, params)
    }

    /// Ends the conductor as a power cut would, and starts it again on the same folder. People, chains and keys are as they
    /// were; signals that nobody took are gone.
    public func crash() async throws {
        process.kill()
        try await process.start()
    }
}

/// Why something was refused: a stable code (docs/errors.md) and words for people; for what a zome function throws, its
/// `ZomeError`.
public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code, for example `validationFailed`, `badInput`, `capabilityMissing`, or the app's own.
    public let code: String
    /// The words.
    public let message: String

    /// A refusal of its parts.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Code and words.
    public var description: String { "\(code): \(message)" }
}
