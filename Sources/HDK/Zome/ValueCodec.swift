import Integrity

/// From a payload to a Swift value and back, with errors that a caller can act on.
enum ValueCodec {
    /// MessagePack nil.
    static let null: [UInt8] = [0xc0]

    /// What was handed to a function, or lies in an entry.
    static func input<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(ZomeError) -> Value {
        do {
            return try MessagePackDecoder().decode(Value.self, from: bytes)
        } catch let error as PlasmidError {
            throw ZomeError(.badInput, error.message)
        } catch {
            throw ZomeError(.badInput, String(describing: error))
        }
    }

    /// What a function returns, or an entry holds.
    static func output<Value: Encodable>(_ value: Value) throws(ZomeError) -> [UInt8] {
        do {
            return try MessagePackEncoder().encode(value)
        } catch let error as PlasmidError {
            throw ZomeError(.badResult, error.message)
        } catch {
            throw ZomeError(.badResult, String(describing: error))
        }
    }

    /// One of the conductor's own nouns, or an array of them, that the host handed over.
    static func packed<Value: Packable>(_ type: Value.Type, _ bytes: [UInt8]) throws(ZomeError) -> Value {
        do {
            return try Value(packed: bytes)
        } catch {
            throw ZomeError(.badInput, error.message)
        }
    }
}
