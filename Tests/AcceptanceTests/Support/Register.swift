import ConductorAPI
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import plasmid

/// Shorthands for the methods of 2019.
extension TestConductor {
    /// The error of an administrative method, or nil.
    func fault(_ method: String, _ params: String = "{}") async -> PlasmidError? {
        do {
            _ = try await admin(method, params)
            return nil
        } catch {
            return error as? PlasmidError ?? PlasmidError(.internal, "\(error)")
        }
    }

    /// Installs a DNA under an id.
    @discardableResult
    func installDna(_ id: String, _ path: String = Places.workshopDna, more: String = "") async throws -> String {
        let answer = try await admin(
            "admin/dna/install_from_file", #"{"id":"\#(id)","path":\#(quoted(path))\#(more)}"#)
        return try #require(answer["dna_hash"]?.text)
    }

    /// An instance with an agent of its own, started unless told not to.
    func addInstance(_ id: String, dna: String, agent: String, start: Bool = true) async throws {
        _ = try await admin(
            "admin/instance/add", #"{"id":"\#(id)","dna_id":"\#(dna)","agent_id":"\#(agent)"}"#)
        if start { _ = try await admin("admin/instance/start", #"{"id":"\#(id)"}"#) }
    }

    /// A new interface on any free port: where it is.
    func addInterface(_ id: String, type: String = "websocket", isAdmin: Bool = false) async throws -> Int {
        let answer = try await admin(
            "admin/interface/add",
            #"{"id":"\#(id)","admin":\#(isAdmin),"type":"\#(type)","choose_free_port":true}"#)
        #expect(answer["success"] == .bool(true))
        return Int(try #require(answer["port"]?.number))
    }

    func mount(_ instance: String, on interface: String, alias: String? = nil) async throws {
        let more = alias.map { #","alias":"\#($0)""# } ?? ""
        _ = try await admin(
            "admin/interface/add_instance",
            #"{"interface_id":"\#(interface)","instance_id":"\#(instance)"\#(more)}"#)
    }

    /// A socket on an interface, with a token of its own.
    func socket(on interface: String, port: Int) async throws -> Client2019 {
        let token = try #require(
            try await admin("admin/token/issue", #"{"interface_id":"\#(interface)"}"#)["token"]?.text)
        return try await Client2019.open(port: port, token: token)
    }
}

/// A client as those of 2019 were: it calls by `instance_id`, zome and function, and parses the result string itself.
struct Client2019: Sendable {
    let socket: RPCSocket
    let frames: Frames
    let token: String

    static func open(port: Int, token: String) async throws -> Client2019 {
        let frames = Frames()
        let address = RPCAddress(port: port, token: token)
        let socket = try await RPCSocket.open(address, on: MultiThreadedEventLoopGroup.singleton) { frames.add($0) }
        return Client2019(socket: socket, frames: frames, token: token)
    }

    func ask(_ method: String, _ params: String = "{}") async throws -> MessagePackValue {
        try JSONLines.value(try await socket.call(method, params: Array(params.utf8)))
    }

    func call(_ instance: String, _ function: String, _ args: String = "{}", zome: String = "workshop") async -> Outcome
    {
        let params =
            #"{"instance_id":"\#(instance)","zome":"\#(zome)","function":"\#(function)","args":\#(args)}"#
        do {
            return try Person.read(try await socket.call("call", params: Array(params.utf8)))
        } catch let error as PlasmidError {
            return .refused(error)
        } catch {
            return .refused(PlasmidError(.internal, "\(error)"))
        }
    }
}
