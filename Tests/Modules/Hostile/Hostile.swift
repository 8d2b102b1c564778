import HDK

// A module that does everything a module must not do, one function each, so that tests can see what it costs its
// callers (an error) and everybody else (nothing).

struct Mark: EntryValue {
    static let type: EntryTypeName = "mark"
    var text: String
}

struct Amount: Decodable, Sendable {
    var count: Int
}

struct Milliseconds: Decodable, Sendable {
    var ms: Int
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(hostile).export(to: host)
}

let hostile = Zome("hostile") {
    writes()
    // Ends the process.
    Function("trap") { (host: Host) in
        let empty = [Int]()
        try await host.log(.info, "about to trap")
        return empty[readLength()]
    }
    // Never returns and never waits.
    Function("loop") { (_: Host) in
        while true { Globals.shared.turn() }
    }
    // Takes memory, and touches it, until it is stopped.
    Function("allocate") { (_: Host) in
        var hoard: [[UInt8]] = []
        while true { hoard.append([UInt8](repeating: UInt8(hoard.count & 0xff), count: 1 << 20)) }
    }
    // Goes through the floor of the stack.
    Function("recurse") { (_: Host) in descend(1) }
    // Burns a core for a while, then answers how often it turned.
    Function("slow") { (wait: Milliseconds, _: Host) in
        let end = ContinuousClock.now + .milliseconds(wait.ms)
        var turns = 0
        while ContinuousClock.now < end { turns += 1 }
        return turns
    }
    // The same on a thread of the runtime's own.
    Function("slow_elsewhere") { (wait: Milliseconds, _: Host) in
        await Task {
            let end = ContinuousClock.now + .milliseconds(wait.ms)
            var turns = 0
            while ContinuousClock.now < end { turns += 1 }
            return turns
        }.value
    }
    // Waits for something that never comes, and that is no answer of the host.
    Function("hang") { (_: Host) in
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }
    // Asks the host many things, one after the other.
    Function("ask") { (amount: Amount, host: Host) in
        for _ in 0..<amount.count { _ = try await host.time() }
        return amount.count
    }
    // Asks the host many things at once.
    Function("ask_at_once") { (amount: Amount, host: Host) in
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<amount.count { group.addTask { _ = try await host.time() } }
            try await group.waitForAll()
        }
        return amount.count
    }
    // Answers with a result of this many bytes.
    Function("flood") { (amount: Amount, _: Host) in String(repeating: "x", count: amount.count) }
    Function("echo") { (value: MessagePackValue, _: Host) in value }
    Function("fail") { (text: String, _: Host) -> Void in throw ZomeError("refused", text) }
    // How often this process was asked: two cells must not count together.
    Function("count") { (_: Host) in Globals.shared.turn() }
}

/// What a module may keep between calls, against all advice.
///
/// `@unchecked Sendable`: `turns` is touched by the one thread that runs the module's calls.
final class Globals: @unchecked Sendable {
    static let shared = Globals()
    private var turns = 0

    @discardableResult
    func turn() -> Int {
        turns &+= 1
        return turns
    }
}

@inline(never)
func readLength() -> Int { Globals.shared.turn() + 1_000 }

@inline(never)
func descend(_ depth: Int) -> Int {
    Globals.shared.turn()
    return depth == .max ? 0 : descend(depth &+ 1) &+ descend(depth &+ 2)
}
