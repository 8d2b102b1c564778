import Foundation
import Integrity
import Sodium
import Testing

@testable import Transport

/// A line of Tests/Interop/Vectors/discovery.txt; the form stands in Tests/Interop/vectors.py.
struct DiscoveryVector: CustomTestStringConvertible, Sendable {
    let kind: String
    private let values: [String: String]

    static func lines(_ kind: String) throws -> [DiscoveryVector] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: tests.appendingPathComponent("Interop/Vectors/discovery.txt"), encoding: .utf8)
        let found = try text.split(separator: "\n").filter { $0.hasPrefix(kind + " ") }.map { line in
            let pairs = line.split(separator: " ").dropFirst().map { $0.split(separator: "=", maxSplits: 1) }
            let named = try pairs.map { (String(try #require($0.first)), String(try #require($0.last))) }
            return DiscoveryVector(kind: kind, values: Dictionary(uniqueKeysWithValues: named))
        }
        try #require(!found.isEmpty)
        return found
    }

    var testDescription: String { "\(kind) \(values["why"] ?? "")" }
    /// Whether the page says that this is taken.
    var isFine: Bool { values["verdict"] == "yes" }
    var why: String { values["why"] ?? "" }

    func number<N: FixedWidthInteger>(_ name: String) throws -> N {
        let value = N(try #require(values[name]))
        return try #require(value)
    }

    func bytes32(_ name: String) throws -> Bytes32 {
        let value: Bytes32? = Bytes32(try bytes(name))
        return try #require(value)
    }

    /// Hex, and `hex*n` for n times the same.
    func bytes(_ name: String) throws -> [UInt8] {
        try #require(values[name]).dropFirst().split(separator: "+").flatMap { part in
            let fields = part.split(separator: "*")
            let digits = fields[0].utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
            let raw = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
            return Array(repeatElement(raw, count: fields.count > 1 ? Int(fields[1]) ?? 0 : 1).joined())
        }
    }
}

/// Tests/Interop/discovery.py is made from docs/spec/discovery.md alone.
@Suite("meeting places and bootstrap servers have the bytes of a program in Python")
struct DiscoveryVectorTests {
    @Test("epochs, names, provider keys, slots")
    func places() throws {
        for line in try DiscoveryVector.lines("epoch") {
            #expect(
                Rendezvous.epoch(at: Timestamp(microseconds: try line.number("time"))) == (try line.number("epoch")))
        }
        for line in try DiscoveryVector.lines("place") {
            let rendezvous = Rendezvous(spaceKey: try line.bytes32("key"))
            let epoch: UInt64 = try line.number("epoch")
            let name = try line.bytes32("name")
            #expect(rendezvous.name(epoch: epoch) == name)
            #expect(rendezvous.providerKey(epoch: epoch) == (try line.bytes("provider")))
            var secret = try line.bytes("secret")
            let slot = Rendezvous.slot(secret: SecretBytes(moving: &secret), name: name)
            #expect(slot == (try line.bytes32("slot")))
        }
    }

    @Test("sealed records", arguments: try DiscoveryVector.lines("sealed"))
    func sealed(_ line: DiscoveryVector) throws {
        let rendezvous = Rendezvous(spaceKey: try line.bytes32("key"))
        let (epoch, bytes): (UInt64, [UInt8]) = (try line.number("epoch"), try line.bytes("bytes"))
        guard line.isFine else {
            #expect(SealedRecord(bytes: bytes).flatMap { rendezvous.open($0, epoch: epoch) } == nil)
            return
        }
        let record = try line.bytes("record")
        let sealed = try #require(SealedRecord(bytes: bytes))
        #expect(rendezvous.open(sealed, epoch: epoch) == record)
        // A reader takes any of the three sizes, a writer the smallest.
        let mine = rendezvous.seal(record, epoch: epoch, nonce: try line.bytes("nonce"))
        #expect((mine == sealed) == (line.why != "larger-than-needed"))
    }

    @Test("requests", arguments: try DiscoveryVector.lines("request"))
    func request(_ line: DiscoveryVector) throws {
        let bytes = try line.bytes("bytes")
        let request = BootstrapRequest(bytes: bytes)
        #expect((request != nil) == line.isFine)
        if let request { #expect(request.bytes == bytes) }
        #expect(LengthPrefixed.framed(bytes) == (try line.bytes("framed")))
    }

    @Test("answers", arguments: try DiscoveryVector.lines("reply"))
    func answer(_ line: DiscoveryVector) throws {
        let bytes = try line.bytes("bytes")
        let answer = BootstrapAnswer(bytes: bytes)
        #expect((answer != nil) == line.isFine)
        if let answer { #expect(answer.bytes == bytes) }
        #expect(LengthPrefixed.framed(bytes) == (try line.bytes("framed")))
    }

    @Test("what members seal: signed records of peers", arguments: try DiscoveryVector.lines("peer"))
    func peer(_ line: DiscoveryVector) throws {
        let bytes = try line.bytes("bytes")
        guard line.isFine else {
            #expect(throws: PlasmidError.self) { try PeerRecord(envelope: bytes) }
            return
        }
        var seed = try line.bytes("seed")
        guard let key = SecretKey(seed: SecretBytes(moving: &seed)) else {
            Issue.record("not a seed")
            return
        }
        let count: Int = try line.number("addresses")
        let addresses = try (0..<count).map { try Multiaddr(bytes: try line.bytes("address\($0)")) }
        let record = PeerRecord(
            peer: PeerID(publicKey: key.publicKey), sequence: try line.number("sequence"), addresses: addresses)
        let sealed = record.sealed(by: key)
        #expect(sealed == bytes)
        #expect(try PeerRecord(envelope: bytes) == record)
    }
}
