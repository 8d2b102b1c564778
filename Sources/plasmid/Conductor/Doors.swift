import Conductor
import ConductorAPI
import Integrity
import NIOCore

/// Opens and closes the service's interfaces for the conductor: neither knows the other.
///
/// Confined to the conductor loop, like both.
final class Doors: InterfaceHost {
    private let server: APIServer

    init(_ server: APIServer) { self.server = server }

    func open(_ interface: InterfaceSetup, done: @escaping (Result<Int, PlasmidError>) -> Void) {
        let kind: InterfaceDoor.Kind =
            switch interface.kind {
            case .websocket: .websocket
            case .http: .http
            }
        let door = InterfaceDoor(id: interface.id, isAdmin: interface.isAdmin, kind: kind, port: interface.port)
        Self.tell(server.open(door), done)
    }

    func open(_ pages: PagesSetup, done: @escaping (Result<Int, PlasmidError>) -> Void) {
        let door = PagesDoor(
            id: pages.id, folder: pages.folder, port: pages.port, reroutesToRoot: true, interface: pages.interface)
        Self.tell(server.open(door), done)
    }

    func close(interface id: String) { _ = server.close(interface: id) }

    func close(pages id: String) { _ = server.close(pages: id) }

    private static func tell(_ port: EventLoopFuture<Int>, _ done: @escaping (Result<Int, PlasmidError>) -> Void) {
        port.assumeIsolated().whenComplete { result in
            done(
                result.mapError { error in
                    (error as? PlasmidError)
                        ?? PlasmidError(.startFailed, "cannot listen", cause: String(describing: error))
                })
        }
    }
}
