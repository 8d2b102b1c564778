import Foundation
import Integrity
import Sodium
import Testing

private let pythonPath = ["/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// Canonical bytes on record in Golden/: one line `name hash hex` a value. A change of any of them is a change of the format.
/// `PLASMID_WRITE_GOLDEN=1` writes them anew.
@Suite("golden bytes")
struct GoldenTests {
    private struct Line: Equatable {
        let name: String
        let hash: String
        let bytes: [UInt8]
        var text: String { "\(name) \(hash) \(hexText(bytes))" }
    }

    private static func lines(_ file: String) -> [Line] {
        switch file {
        case "actions":
            return Samples.actions.map { Line(name: $0.name, hash: $0.action.hash.text, bytes: $0.action.packed) }
        case "entries":
            let entries: [(String, Entry)] = [
                ("Agent", .agent(Samples.author)), ("App", Samples.bar),
                ("CounterSign", .counterSign(session: [0xC0], bytes: [1])), ("CapClaim", .capClaim(Samples.claim)),
                ("CapGrantAssigned", .capGrant(Samples.grant)),
                (
                    "CapGrantUnrestricted",
                    .capGrant(ZomeCallCapGrant(tag: "", access: .unrestricted, functions: .all))
                ),
                (
                    "CapGrantTransferable",
                    .capGrant(
                        ZomeCallCapGrant(
                            tag: "t", access: .transferable(secret: CapSecret(Samples.sequence64)), functions: .all))
                ),
            ]
            return entries.map { Line(name: $0.0, hash: $0.1.hash.text, bytes: $0.1.packed) }
        case "ops":
            return Samples.actions.flatMap { name, action in
                let entry: RecordEntry = action.entryType == nil ? .notApplicable : .present(Samples.bar)
                let record = Record(signedAction: Samples.signed(action), entry: entry)
                return ChainOp.ops(for: record).map {
                    Line(name: "\(name).\($0.type.name)", hash: $0.hash.text, bytes: $0.packed)
                }
            }
        case "verdicts":
            let (invalid, fork, receipt) = (VerdictSamples.invalid, VerdictSamples.fork, VerdictSamples.receipt)
            return [
                Line(name: "InvalidChainOp", hash: invalid.warrant.hash.text, bytes: DhtOp.warrant(invalid).packed),
                Line(name: "ChainFork", hash: fork.warrant.hash.text, bytes: DhtOp.warrant(fork).packed),
                Line(name: "Receipt", hash: receipt.receipt.op.text, bytes: receipt.packed),
                Line(name: "WarrantSigned", hash: "-", bytes: fork.warrant.signedBytes),
                Line(name: "ReceiptSigned", hash: "-", bytes: receipt.receipt.signedBytes),
            ]
        default:
            var ruled = Samples.dna()
            ruled.integrity.entryTypes[0].rules = Samples.rules
            let dnas = [("messenger1", Samples.dna()), ("messenger2", Samples.dna(zomes: 2)), ("ruled", ruled)]
            return dnas.map { Line(name: $0.0, hash: $0.1.hash().text, bytes: $0.1.canonicalBytes) }
        }
    }

    @Test("the bytes are those on record", arguments: ["actions", "entries", "ops", "verdicts", "dna"])
    func golden(_ file: String) throws {
        let path = Repository.tests.appendingPathComponent("IntegrityTests/Golden/\(file).txt")
        let lines = Self.lines(file).map(\.text)
        if ProcessInfo.processInfo.environment["PLASMID_WRITE_GOLDEN"] == "1" {
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: path)
        }
        let kept = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(kept.count == lines.count)
        for (line, old) in zip(lines, kept) { #expect(line == old) }
    }

    @Test("what is on record reads back to the same bytes")
    func readBack() throws {
        func kept(_ file: String) throws -> [[UInt8]] {
            let path = Repository.tests.appendingPathComponent("IntegrityTests/Golden/\(file).txt")
            return try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
                .compactMap { $0.split(separator: " ").last.map { hex(String($0)) } }
        }
        for bytes in try kept("actions") { #expect(try Action(packed: bytes).packed == bytes) }
        for bytes in try kept("entries") { #expect(try Entry(packed: bytes).packed == bytes) }
        for bytes in try kept("ops") { #expect(try ChainOp(packed: bytes).packed == bytes) }
        for bytes in try kept("dna") { #expect(try MessagePackValue(packed: bytes).packed == bytes) }
    }

    @Test(
        "an independent implementation in Python computes the same",
        .enabled(if: pythonPath != nil, "python3 is absent"))
    func python() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(pythonPath))
        process.arguments = [Repository.tests.appendingPathComponent("Interop/data_model.py").path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let theirs = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        let ours =
            ["actions", "entries", "verdicts", "dna"].flatMap { Self.lines($0).map(\.text) }
            + Self.lines("ops").map { "\($0.name) \($0.hash)" }
            + SigningDomain.allCases.map { "\($0.rawValue) \(hexText($0.message([[1, 2], [], [3]])))" }
        #expect(theirs.count > 40)
        #expect(Set(ours).isSuperset(of: theirs), "\(Set(theirs).subtracting(ours).sorted())")
        #expect(Set(theirs).isSuperset(of: ours), "\(Set(ours).subtracting(theirs).sorted())")
    }
}
