/// Every bound of what is said between nodes about who holds what. Bytes unless said otherwise.
public enum GossipLimits {
    /// A message of reconciliation, inclusive, whatever is in it.
    public static let reconcileMessage = 262_144
    /// How full a message must be that leaves questions of the other side for the next one: nobody is kept waiting for nothing.
    public static let reconcileDeferring = 65_536
    /// Questions that one side may have open in a round.
    public static let reconcileAsks = 65_536
    /// Pieces into which one reply cuts a range.
    public static let reconcilePieces = 4_096
    /// Ids in one list.
    public static let reconcileIds = 16_384
    /// Ranges of locations that a node names as its own.
    public static let arcRanges = 16
    /// A salt of a round.
    public static let saltBytes = 16
    /// Why a round was ended, as text.
    public static let closeReason = 512
}
