/// What it costs to try one passphrase: the parameters of Argon2id.
public struct KeystoreCost: Hashable, Sendable {
    /// Passes over the memory.
    public let operations: UInt32
    /// Memory, in bytes.
    public let memoryBytes: UInt64

    /// A cost of its parts. Outside ``isBearable`` it makes no keystore.
    public init(operations: UInt32, memoryBytes: UInt64) {
        self.operations = operations
        self.memoryBytes = memoryBytes
    }

    /// libsodium's sensitive setting: four passes over 1 GiB, some seconds. The default.
    public static let sensitive = KeystoreCost(operations: 4, memoryBytes: 1 << 30)
    /// libsodium's moderate setting: three passes over 256 MiB, under a second; for machines with little memory.
    public static let moderate = KeystoreCost(operations: 3, memoryBytes: 256 << 20)
    /// As cheap as Argon2id can be. It protects nothing: tests only.
    public static let forTests = KeystoreCost(operations: 1, memoryBytes: 8192)

    /// Whether a file may ask for it: a file that asks for more is a bomb, not a keystore. Passes 1…16, memory 8 KiB…4 GiB,
    /// and no more than 16 GiB passed over in all.
    public var isBearable: Bool {
        (1...16).contains(operations) && (8192...(4 << 30)).contains(memoryBytes)
            && UInt64(operations) * memoryBytes <= 16 << 30
    }
}
