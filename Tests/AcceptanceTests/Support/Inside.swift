import Integrity
import NIOCore

@testable import Conductor
@testable import plasmid

/// What has no method of its own: asked on the conductor's loop.
extension TestConductor {
    /// Runs a closure with the conductor, on its loop, and waits for what it answers with.
    func inside<Value: Sendable>(
        _ body: @escaping @Sendable (Conductor, @escaping (Result<Value, PlasmidError>) -> Void) throws -> Void
    ) async throws -> Value {
        let done = loop.makePromise(of: Value.self)
        let running = running
        loop.execute {
            guard let conductor = running.conductor else {
                done.fail(PlasmidError(.startFailed, "not running"))
                return
            }
            do {
                try body(conductor) { result in done.completeWith(result.mapError { $0 as any Error }) }
            } catch {
                done.fail(error)
            }
        }
        return try await done.futureResult.get()
    }

    /// Adds a bridge; the error, if it is refused.
    func bridge(_ bridge: Bridge) async -> PlasmidError? {
        await fault { conductor, reply in try conductor.addBridge(bridge, reply) }
    }

    func removeBridge(_ caller: String, _ callee: String) async -> PlasmidError? {
        await fault { conductor, reply in try conductor.removeBridge(caller: caller, callee: callee, reply) }
    }

    func bridges() async throws -> [Bridge] {
        try await inside { conductor, reply in reply(.success(conductor.allBridges)) }
    }

    private func fault(
        _ body: @escaping @Sendable (Conductor, @escaping (Result<Void, PlasmidError>) -> Void) throws -> Void
    ) async -> PlasmidError? {
        do {
            try await inside(body)
            return nil
        } catch {
            return error as? PlasmidError
        }
    }
}
