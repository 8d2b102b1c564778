import ArgumentParser
import ConductorAPI
import Foundation
import Integrity

/// The folder that holds everything a conductor keeps, and what a client finds in it.
struct DataFolder: Equatable {
    let path: String

    /// `--data`, else the configuration's `data`, else `$XDG_DATA_HOME/plasmid`, else `~/.local/share/plasmid`.
    init(option: String?, configured: String = "", environment: [String: String] = ProcessInfo.processInfo.environment)
        throws
    {
        if let option, !option.isEmpty {
            path = DataFolder.absolute(option)
        } else if !configured.isEmpty {
            path = DataFolder.absolute(configured)
        } else if let base = environment["XDG_DATA_HOME"], base.hasPrefix("/") {
            path = base + "/plasmid"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            path = home + "/.local/share/plasmid"
        } else {
            throw Failure.usage("there is no folder to keep data in: HOME is not set", hint: "name one with --data DIR")
        }
    }

    /// A path from the root, without a slash at the end; relative ones start at the working folder.
    static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// The sealed file of keys.
    var keystore: String { path + "/keystore" }
    /// What opens the admin port; the conductor writes it at each start.
    var adminToken: String { path + "/admin.token" }
    /// The configuration that is read where none is named, if it is there.
    var config: String { path + "/conductor.yaml" }
    /// Which ports the conductor took: `{"admin":9100,"app":9101,"network":["/ip4/…"]}`; the conductor writes it at each start.
    var ports: String { path + "/ports.json" }

    /// Makes the folder, for its owner only, where it is not there yet.
    func create() throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                throw Failure(
                    PlasmidError(.startFailed, "\(path) is a file, not a folder", hint: "name another with --data DIR"))
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(
                PlasmidError(
                    .startFailed, "the data folder \(path) cannot be made", hint: "name another with --data DIR",
                    cause: String(cString: strerror(errno))))
        }
    }

    /// The ports that the conductor of this folder took when it started last.
    func readPorts() throws -> (admin: Int, app: Int) {
        guard let bytes = FileManager.default.contents(atPath: ports) else { throw notRunning() }
        guard let value = try? JSONLines.value(String(decoding: bytes, as: UTF8.self)),
            let admin = value["admin"]?.number, let app = value["app"]?.number,
            (1...65_535).contains(admin), (1...65_535).contains(app)
        else {
            throw Failure(
                PlasmidError(
                    .conductorUnreachable, "\(ports) does not tell the conductor's ports",
                    hint: "start the conductor again"))
        }
        return (Int(admin), Int(app))
    }

    /// Where the conductor of this folder listens for other conductors, as multiaddrs; none if it is on no network.
    func readPeerAddresses() throws -> [String] {
        guard let bytes = FileManager.default.contents(atPath: ports) else { throw notRunning() }
        let value = try? JSONLines.value(String(decoding: bytes, as: UTF8.self))
        return value?["network"]?.items.compactMap(\.text) ?? []
    }

    /// The token of the admin port; nil where the conductor asks for none.
    func readAdminToken() throws -> String? {
        guard FileManager.default.fileExists(atPath: adminToken) else { return nil }
        guard let bytes = FileManager.default.contents(atPath: adminToken) else {
            throw Failure(
                PlasmidError(
                    .unauthorized, "\(adminToken) cannot be read",
                    hint: "only the user who runs the conductor may read it; run the command as that user"))
        }
        let token = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return token.isEmpty ? nil : token
    }

    /// The failure of a client that finds no conductor.
    func notRunning(port: Int? = nil) -> Failure {
        let what =
            port.map { "no conductor answers on port \($0)" } ?? "no conductor has run with the data folder \(path)"
        return Failure(
            PlasmidError(
                .conductorUnreachable, what,
                hint: "start one with: plasmid run --data \(path)\n      or name its folder with --data DIR"))
    }
}

/// Where the conductor is that a client command talks to.
struct ConductorOptionsForClients: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The data folder of the conductor to talk to.",
            discussion:
                "Its port and token are found there. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.",
            valueName: "dir"), completion: .directory)
    var data: String?

    @Option(name: .long, help: "The conductor's admin port, if it is not the one in the data folder.")
    var port: Int?

    func validate() throws {
        if let port, !(1...65_535).contains(port) { throw ValidationError("--port takes a number from 1 to 65535") }
    }

    func connect() throws -> any ConductorConnection {
        let folder = try DataFolder(option: data)
        let port = try port ?? folder.readPorts().admin
        return RPCConnection(RPCAddress(port: port, token: try folder.readAdminToken()))
    }

    /// A connection for one request on the app port, with a token of the app that is spent by it.
    func connect(as app: String) async throws -> any ConductorConnection {
        let token = try await connect().request(
            "admin/token/issue",
            .object(["app_id": .string(app), "expiry_seconds": .int(60), "single_use": .bool(true)]))
        let appPort = try appPort()
        return RPCConnection(RPCAddress(port: appPort, token: token["token"]?.text))
    }

    /// The app port that belongs to the admin port: as the conductor wrote it down, else the next one.
    private func appPort() throws -> Int {
        guard let port else { return try DataFolder(option: data).readPorts().app }
        let written = try? DataFolder(option: data).readPorts()
        return written?.admin == port ? written?.app ?? port + 1 : port + 1
    }
}
