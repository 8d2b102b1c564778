import Integrity
import ZomeRuntime

/// Loads the modules of roles once, as their cells will, and lets them go again: what cannot be loaded, speaks another ABI
/// or lacks what the manifest lists is told when it is installed, not at the first call.
final class ModuleProbe: ZomeHostHandler {
    private let conductor: Conductor
    private var runner: (any ZomeRunner)?

    private init(_ conductor: Conductor) {
        self.conductor = conductor
    }

    /// Probes role after role; the first fault ends it.
    static func run(
        _ roles: ArraySlice<InstalledRole>, _ conductor: Conductor,
        _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        guard let role = roles.first else { return done(.success(())) }
        let probe = ModuleProbe(conductor)
        probe.coordinators(role) { result in
            if case .failure = result { return done(result) }
            probe.validators(role) { result in
                if case .failure = result { done(result) } else { run(roles.dropFirst(), conductor, done) }
            }
        }
    }

    private func coordinators(_ role: InstalledRole, _ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        guard !role.definition.coordinator.isEmpty else { return done(.success(())) }
        load(
            conductor.makeRunner(
                role: .coordinator, modules: conductor.coordinatorSpecs(role), handler: self), done)
    }

    private func validators(_ role: InstalledRole, _ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        guard !role.definition.integrity.zomes.isEmpty else { return done(.success(())) }
        load(conductor.validatorRunner(role, handler: self), done)
    }

    /// Held by the closure until the modules have answered.
    private func load(_ runner: any ZomeRunner, _ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        self.runner = runner
        runner.load { result in
            self.conductor.retire(self.runner)
            self.runner = nil
            done(result.map { _ in })
        }
    }

    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8],
        answer: @escaping (_ status: UInt32, _ bytes: [UInt8]) -> Void
    ) {
        answer(1, ModuleError(code: "callOver", message: "the module is only being looked at").packed)
    }

    func runnerStopped(_ reason: PlasmidError) {}
}
