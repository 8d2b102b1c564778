import Testing
import Transport

@Suite("Unsigned varints")
struct UnsignedVarintTests {
    @Test("what is written is read back, whatever follows", arguments: [0, 1, 127, 128, 300, 16_384, (1 << 63) - 1])
    func roundTrip(_ value: UInt64) {
        var bytes: [UInt8] = []
        UnsignedVarint.append(value, to: &bytes)
        #expect(UnsignedVarint.read(bytes + [0xff]) == .value(value, count: bytes.count))
        #expect(UnsignedVarint.read(bytes.dropLast()) == .incomplete)
    }

    @Test("overlong and endless forms are refused")
    func malformed() {
        #expect(UnsignedVarint.read([0x80, 0x00]) == .malformed)
        #expect(UnsignedVarint.read([UInt8](repeating: 0x80, count: 9)) == .malformed)
        #expect(UnsignedVarint.read([UInt8](repeating: 0xff, count: 20)) == .malformed)
    }
}
