import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix
import Sodium

/// A conductor as a process of its own, over a folder that only this run uses: it can be killed like a power cut would.
// `@unchecked Sendable`: one task at a time starts, kills and stops it.
final class ConductorProcess: @unchecked Sendable {
    let folder: DataFolder
    private let credentials: String
    private let programs: String
    /// A command that runs the conductor's as its last words: into another network, under other limits. None: as it is.
    private let within: [String]
    private var process: Process?

    /// Makes the folder's keystore, under a passphrase that is thrown away with the folder.
    /// - Parameters:
    ///   - programs: where `plasmid` and what it needs lie.
    ///   - cost: what the keystore costs to open, at each start.
    ///   - within: the command, as words, that shall run it.
    init(
        folder path: String, programs: String = RunSettings.programFolder(), cost: KeystoreCost = .moderate,
        within: [String] = []
    ) throws {
        self.programs = programs
        self.within = within
        folder = try DataFolder(option: path)
        credentials = path + "/credentials"
        try folder.create()
        try FileManager.default.createDirectory(
            atPath: credentials, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let phrase = Base64.encode(SystemRandom.bytes(24), alphabet: .url)
        guard
            FileManager.default.createFile(
                atPath: credentials + "/passphrase", contents: Data(phrase.utf8), attributes: [.posixPermissions: 0o600]
            )
        else { throw Failure(PlasmidError(.startFailed, "\(credentials) cannot be written")) }
        var bytes = Array(phrase.utf8)
        _ = try Keystore.create(at: folder.keystore, passphrase: SecretBytes(moving: &bytes), cost: cost)
    }

    /// Starts the conductor and waits for its word that it is ready.
    /// - Parameters:
    ///   - arguments: more of them for `plasmid run`.
    ///   - environment: what its environment has beside this process's.
    func start(arguments: [String] = [], environment: [String: String] = [:]) throws {
        let process = Process()
        let words = within + [programs + "/plasmid"]
        process.executableURL = URL(fileURLWithPath: words[0])
        process.environment = ProcessInfo.processInfo.environment
            .merging(["CREDENTIALS_DIRECTORY": credentials]) { $1 }.merging(environment) { $1 }
        process.arguments =
            words.dropFirst() + [
                "run", "--data", folder.path, "--port", "0", "--passphrase", "credential:passphrase", "--test-mode",
            ] + arguments
        let output = Pipe()
        process.standardOutput = output
        let log = folder.path + "/log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let logFile = FileHandle(forWritingAtPath: log)
        _ = try logFile?.seekToEnd()
        process.standardError = logFile
        try process.run()
        self.process = process
        var heard = ""
        while !heard.contains("ready: ") {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else {
                let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                throw Failure(
                    PlasmidError(.startFailed, "the conductor did not start", hint: "it said: \(words.suffix(2_000))"))
            }
            heard += String(decoding: bytes, as: UTF8.self)
        }
    }

    var processID: Int32? { process?.processIdentifier }

    /// A socket to the admin port, made by a thread of `threads`.
    func connect(
        on threads: MultiThreadedEventLoopGroup = .singleton, onSignal: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async throws -> RPCSocket {
        let address = RPCAddress(port: try folder.readPorts().admin, token: try folder.readAdminToken())
        return try await RPCSocket.open(address, on: threads, onSignal: onSignal)
    }

    /// Ends it as a power cut would: SIGKILL, nothing flushed.
    func kill() {
        guard let process else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        self.process = nil
    }

    /// Ends it as an operator would.
    func stop() {
        guard let process else { return }
        process.terminate()
        process.waitUntilExit()
        self.process = nil
    }
}

/// Calls of zome functions over one socket, results as values.
struct AppClient: Sendable {
    let socket: RPCSocket

    /// A JSON-RPC method's result.
    func request(_ method: String, _ params: MessagePackValue = .map([])) async throws -> MessagePackValue {
        let body = try JSONText.json(fromMessagePack: params.packed)
        return try JSONLines.value(try await socket.call(method, params: body))
    }

    /// What a zome function answered.
    /// - Throws: `AppError` where the app itself refused; the conductor's error otherwise.
    func call(
        _ instance: String, _ zome: String, _ function: String, _ args: MessagePackValue = .map([]),
        token: String? = nil
    ) async throws -> MessagePackValue {
        var params: [MessagePackValue.Pair] = [
            .init(key: "instance_id", value: .string(instance)), .init(key: "zome", value: .string(zome)),
            .init(key: "function", value: .string(function)), .init(key: "args", value: args),
        ]
        if let token { params.append(.init(key: "token", value: .string(token))) }
        let answer = try await request("call", .map(params))
        guard case .string(let text) = answer else { throw AppError(words: "the answer is no text") }
        let value = try JSONLines.value(text)
        if let ok = value["Ok"] { return ok }
        let fault = value["Err"]
        let words = ["ValidationFailed", "Timeout", "Internal"].lazy.compactMap { fault?[$0]?.text }.first
        throw AppError(words: words ?? text)
    }
}

/// What an app answered in place of a result.
struct AppError: Error {
    let words: String
}
