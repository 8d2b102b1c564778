import ArgumentParser
import Conductor
import Foundation
import Integrity

/// `plasmid admin clone create|enable|disable|delete`
struct AdminClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", abstract: "Make clones of an app's roles, and take them in and out of service.",
        discussion: """
            A clone is a cell with the same zomes and agent in another network, for example one for each room of a chat. \
            How many of a role may be enabled at a time, the hApp file says (clone_limit).
            """,
        subcommands: [AdminCloneCreate.self, AdminCloneEnable.self, AdminCloneDisable.self, AdminCloneDelete.self])
}

/// `plasmid admin clone create APP ROLE`
struct AdminCloneCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a clone of a role and start it.")

    @Argument(help: "The app, as 'plasmid admin apps' lists it.")
    var app: String

    @Argument(help: "The role that is cloned.")
    var role: String

    @Option(name: .long, help: "A name for people; by default the clone's id.")
    var name: String?

    @Option(
        name: .long,
        help: ArgumentHelp("A text that makes the clone's network another than the role's.", valueName: "seed"))
    var networkSeed: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Properties in place of the role's, as a JSON object.", valueName: "json"))
    var properties: String?

    @OptionGroup var proof: MembraneProofOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func params() throws -> MessagePackValue {
        var properties: MessagePackValue?
        if let json = self.properties { properties = try JSONLines.value(json) }
        return .object([
            "app_id": .string(app), "role": .string(role), "name": .optional(name),
            "network_seed": .optional(networkSeed), "properties": properties ?? .null,
            "membrane_proof": .optional(try proof.base64()),
        ])
    }

    func run() async throws {
        let clone = try await conductor.connect().request("admin/app/clone", params())
        if output.json { return try Output.json(clone) }
        Output.line("\(Words.harmless(clone["instance_id"]?.text ?? "-")) is made and enabled")
    }
}

/// The bytes that a network asks of who joins it.
struct MembraneProofOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The file with the proof that the network asks of who joins it.", valueName: "file"),
        completion: .file())
    var membraneProof: String?

    func base64() throws -> String? {
        try membraneProof.map { try MembraneProofFile.base64($0) }
    }
}

/// Reads a proof from the file that it was handed over in.
enum MembraneProofFile {
    static func base64(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(
                PlasmidError(
                    .fileFailed, "there is no file \(path), or it cannot be read",
                    hint: "a membrane proof is read from a file"))
        }
        return Base64.encode([UInt8](data))
    }
}

/// What enabling, disabling and deleting have in common.
struct CloneArgument: ParsableArguments {
    @Argument(help: "The app, as 'plasmid admin apps' lists it.")
    var app: String

    @Argument(help: "The clone's id, for example room.0.")
    var clone: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func ask(_ method: String, done: String) async throws {
        let params = MessagePackValue.object(["app_id": .string(app), "clone": .string(clone)])
        let answer = try await conductor.connect().request(method, params)
        if output.json { return try Output.json(answer) }
        Output.line("\(Words.harmless("\(app)/\(clone)")) is \(done)")
    }
}

/// `plasmid admin clone enable APP CLONE`
struct AdminCloneEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Let a disabled clone take calls again.")
    @OptionGroup var clone: CloneArgument
    func run() async throws { try await clone.ask("admin/app/clone/enable", done: "enabled") }
}

/// `plasmid admin clone disable APP CLONE`
struct AdminCloneDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Take a clone out of service; everything it wrote stays.")
    @OptionGroup var clone: CloneArgument
    func run() async throws { try await clone.ask("admin/app/clone/disable", done: "disabled") }
}

/// `plasmid admin clone delete APP CLONE`
struct AdminCloneDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Take a disabled clone out of its app, for good.")
    @OptionGroup var clone: CloneArgument
    func run() async throws { try await clone.ask("admin/app/clone/delete", done: "deleted") }
}

/// `plasmid admin provide-memproofs APP`
struct AdminProvideMemproofs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provide-memproofs",
        abstract: "Give an app the membrane proofs that it was installed without.",
        discussion: "Without --proof it is told that there are none.")

    @Argument(help: "The app, as 'plasmid admin apps' lists it.")
    var app: String

    @OptionGroup var proofs: RoleProofs
    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let params = MessagePackValue.object(["app_id": .string(app), "membrane_proofs": try proofs.value()])
        let info = try await conductor.connect().request("admin/app/provide-memproofs", params)
        if output.json { return try Output.json(info) }
        Output.line(AdminApps.listing.text(AdminApps.rows(.array([info])), full: output.full))
    }
}

/// `--proof role=FILE`, once for each role.
struct RoleProofs: ParsableArguments {
    @Option(
        name: .customLong("proof"),
        help: ArgumentHelp(
            "The membrane proof of a role, from a file; may be given once for each role.", valueName: "role=file"))
    var proofs: [String] = []

    func validate() throws {
        for proof in proofs where proof.firstIndex(of: "=") == nil {
            throw ValidationError("--proof takes role=file, not '\(proof)'")
        }
    }

    func value() throws -> MessagePackValue {
        .map(
            try proofs.map { proof in
                let parts = proof.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return MessagePackValue.Pair(
                    key: .string(parts[0]), value: .string(try MembraneProofFile.base64(parts.last ?? "")))
            })
    }
}
