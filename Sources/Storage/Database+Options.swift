extension Database {
    /// How a database is opened. The defaults are those of a conductor; tests use small sizes.
    public struct Options: Sendable {
        /// The size of each environment's map: how large it can ever grow. Sparse, so it costs address space only.
        public var mapBytes = 1 << 40
        /// The size of one file of the journal; a commit must fit into one.
        public var segmentBytes = 32 << 20
        /// The journal's size at most; at least two files.
        public var journalBytesMax = 1 << 30
        /// The bytes of commits that a space keeps in memory until LMDB has them; above it commits wait.
        public var pendingBytesMax = 64 << 20
        /// The bytes of commits that one LMDB transaction takes at most.
        public var applyBytesMax = 24 << 20
        /// How long a writer waits for more commits before it begins a transaction, in milliseconds.
        public var applyDelayMilliseconds = 500
        /// The system calls of the journal.
        public var calls = FileCalls.system
        /// Called at every named step on the way to the disk, on the thread that takes it. For tests only.
        public var atSyncPoint: (@Sendable (SyncPoint) -> Void)?
        /// The steps between schema versions; tests put in their own.
        var spaceUpgrades = SchemaUpgrade.spaces
        var conductorUpgrades = SchemaUpgrade.conductor

        /// The defaults.
        public init() {}
    }
}
