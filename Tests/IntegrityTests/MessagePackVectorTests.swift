import Foundation
import Integrity
import Testing

@Suite("MessagePack vectors", .enabled(if: Shared.isThere))
struct MessagePackVectorTests {
    @Test("every accepted form is read as the same value, and written in the canonical form")
    func values() throws {
        for vector in try Shared.list("msgpack", "vectors") {
            let canonical = try #require(vector["canonical"] as? String)
            let wanted = try expected(vector)
            if let wanted { #expect(hexText(wanted.packed) == canonical, "\(vector)") }
            for form in try #require(vector["accepted"] as? [[String: Any]]) {
                let bytes = hex(try #require(form["hex"] as? String))
                let value = try MessagePackValue(packed: bytes)
                if let wanted { #expect(same(value, wanted), "\(form) of \(canonical) read as \(value)") }
            }
            // Only the canonical form is written back: canonical bytes are a fixed point.
            #expect(hexText(try MessagePackValue(packed: hex(canonical)).packed) == canonical)
        }
    }

    @Test("headers at every boundary are the shortest")
    func boundaries() throws {
        for vector in try Shared.list("msgpack", "boundaries") {
            if let integer = vector["integer"] as? String {
                var w = MessagePackWriter()
                if let value = Int64(integer) { w.writeInt(value) } else { w.writeUInt(try #require(UInt64(integer))) }
                #expect(hexText(w.bytes) == vector["canonical"] as? String)
                continue
            }
            let header = try #require(vector["canonical_header"] as? String)
            let bytes: [UInt8]
            if let count = vector["string_of_x_length"] as? Int {
                bytes = MessagePackValue.string(String(repeating: "x", count: count)).packed
            } else if let count = vector["binary_length"] as? Int {
                bytes = MessagePackValue.binary([UInt8](repeating: 0, count: count)).packed
            } else if let count = vector["array_length"] as? Int {
                bytes = MessagePackValue.array(Array(repeating: .null, count: count)).packed
            } else {
                let type = try #require(vector["ext_type"] as? Int8)
                let count = try #require(vector["ext_length"] as? Int)
                bytes = MessagePackValue.ext(type, [UInt8](repeating: 0, count: count)).packed
            }
            #expect(hexText(Array(bytes.prefix(header.count / 2))) == header)
            #expect(try MessagePackValue(packed: bytes).packed == bytes)
        }
    }

    @Test("malformed bytes are refused, by every way of reading")
    func malformed() throws {
        for vector in try Shared.list("msgpack", "malformed") {
            let bytes = hex(try #require(vector["hex"] as? String))
            let why = try #require(vector["why"] as? String)
            // Keys of any kind, and the same key twice, are the reader's business, not the format's.
            if why.contains("map key") {
                #expect(throws: Never.self, "\(why)") { try MessagePackValue(packed: bytes) }
                if why.contains("nil") {
                    #expect(throws: PlasmidError.self) { try JSONText.json(fromMessagePack: bytes) }
                }
                continue
            }
            #expect(throws: PlasmidError.self, "\(why)") { try MessagePackValue(packed: bytes) }
            #expect(throws: PlasmidError.self, "\(why)") { try JSONText.json(fromMessagePack: bytes) }
            #expect(throws: PlasmidError.self, "\(why)") { try MessagePackDecoder().decode(String.self, from: bytes) }
        }
    }

    private func expected(_ vector: [String: Any]) throws -> MessagePackValue? {
        if vector.keys.contains("nil") { return .null }
        if let value = vector["bool"] as? Bool { return .bool(value) }
        if let bytes = vector["binary"] as? String { return .binary(hex(bytes)) }
        if let text = vector["string"] as? String { return .string(text) }
        if let text = vector["bignum"] as? String {
            if let value = Int64(text) { return .int(value) }
            return .uint(try #require(UInt64(text)))
        }
        if let number = vector["number"] as? NSNumber {
            let value = number.doubleValue
            return value == value.rounded() && abs(value) < 9e18 ? .int(Int64(value)) : .double(value)
        }
        if let ext = vector["ext"] as? [Any], let type = ext[0] as? Int8, let bytes = ext[1] as? String {
            return .ext(type, hex(bytes))
        }
        if let list = vector["array"] { return tree(list) }
        if let map = vector["map"] { return tree(map) }
        return nil
    }

    private func tree(_ any: Any) -> MessagePackValue? {
        if any is NSNull { return .null }
        if let text = any as? String { return .string(text) }
        if let number = any as? Int64 { return .int(number) }
        if let list = any as? [Any] { return .array(list.compactMap(tree)) }
        if let map = any as? [String: Any], map.count < 2 {
            return .map(map.compactMap { key, value in tree(value).map { MessagePackValue.Pair(key, $0) } })
        }
        return nil
    }

    /// Floats that hold the same number count as the same value.
    private func same(_ left: MessagePackValue, _ right: MessagePackValue) -> Bool {
        if left == right { return true }
        switch (left, right) {
        case (.double(let double), .int(let int)): return double == Double(int)
        case (.double(let double), .uint(let int)): return double == Double(int)
        default: return false
        }
    }
}
