/// What the conductor asks for:
/// `--role coordinator|validator --memory BYTES [--sandbox best|required] [--frame BYTES] --module zome=path.so …`.
struct Arguments {
    struct Module {
        let zome: String
        let path: String
    }

    var memoryBytes = 128 << 20
    var sandboxRequired = false
    /// Largest frame in either direction, header included.
    var maxFrameBytes = 16 << 20
    /// Their order is the zome index of the frames.
    var modules: [Module] = []

    init(_ words: [String]) throws(Refusal) {
        var rest = words.dropFirst()
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Self.bad("\(option) needs a value") }
            try take(option, value)
        }
        guard !modules.isEmpty else { throw Self.bad("no --module is given") }
        guard modules.count <= 256 else { throw Self.bad("more than 256 modules are given") }
    }

    private mutating func take(_ option: String, _ value: String) throws(Refusal) {
        switch option {
        case "--role":
            // Both roles run alike here; hashing is made deterministic by the environment the conductor hands over.
            guard value == "coordinator" || value == "validator" else { throw Self.bad("--role \(value) is unknown") }
        case "--memory":
            guard let bytes = Int(value), bytes > 0 else { throw Self.bad("--memory takes a number of bytes") }
            memoryBytes = bytes
        case "--frame":
            guard let bytes = Int(value), bytes > 64 else { throw Self.bad("--frame takes a number of bytes") }
            maxFrameBytes = bytes
        case "--sandbox":
            guard value == "best" || value == "required" else { throw Self.bad("--sandbox \(value) is unknown") }
            sandboxRequired = value == "required"
        case "--module":
            guard let sign = value.firstIndex(of: "=") else { throw Self.bad("--module takes zome=path") }
            let path = String(value[value.index(after: sign)...])
            modules.append(Module(zome: String(value[..<sign]), path: path))
        default: throw Self.bad("\(option) is unknown")
        }
    }

    private static func bad(_ what: String) -> Refusal {
        Refusal(.badArguments, "plasmid-zome-host was started wrongly: \(what).")
    }
}
