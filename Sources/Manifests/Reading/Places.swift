/// What a later check may have to say something about, once a manifest was read.
enum Subject: Hashable, Sendable {
    case networkSeed
    case floor
    case entryType(String)
    case linkType(String)
    /// The name of a zome.
    case zome(String)
    /// The module of the zome.
    case module(String)
    /// `functions` of the zome.
    case functions(String)
    /// `callbacks` of the zome.
    case callbacks(String)
    case function(zome: String, name: String)
    case callback(zome: String, name: String)
    case role(String)
    case deferredProofs
}

/// Where the things of one file stand.
struct Places: Sendable {
    private var positions: [Subject: Position] = [:]

    /// The place of a thing; of the file's start for what nobody wrote.
    subscript(_ subject: Subject) -> Position {
        get { positions[subject] ?? .start }
        set { positions[subject] = newValue }
    }
}
