import Foundation
import Integrity
import Manifests

/// `plasmid dna hash FILE.dna.json`
enum LegacyDnaHash {
    static func run(_ path: String, _ output: OutputOptions) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Failure(PlasmidError(.manifestUnreadable, "\(path) cannot be read", hint: "check the path"))
        }
        let address: String
        do throws(PlasmidError) {
            address = try LegacyDna.address(of: Array(bytes))
        } catch {
            throw Failure(PlasmidError(error.code, "\(path): \(error.message)", hint: error.hint))
        }
        if output.json {
            return try Output.json(.object(["file": .string(path), "dna": .string(address)]))
        }
        Output.line(address)
    }
}
