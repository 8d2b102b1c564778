import HDK

/// How many signals.
struct Burst: Decodable, Sendable {
    var count: Int
}

/// What each of them carries.
struct Tick: Encodable, Sendable {
    var number: Int
}

/// How many messages, to whom.
struct Talk: Decodable, Sendable {
    var to: AgentKey
    var count: Int
}

/// What figures need and no app has.
let bench = Zome("bench") {
    Function("emit") { (burst: Burst, host: Host) in
        for number in 0..<burst.count {
            try await host.emitSignal("tick", Tick(number: number))
        }
    }

    // Messages one after the other, and how long each took until its reply was here, in nanoseconds.
    Function("talk") { (talk: Talk, host: Host) -> [Int64] in
        let clock = SuspendingClock()
        var times: [Int64] = []
        for _ in 0..<talk.count {
            let start = clock.now
            _ = try await host.send(to: talk.to, "Is anybody there?", as: String.self)
            times.append(Int64((clock.now - start) / .nanoseconds(1)))
        }
        return times
    }
    Receive { (_: AgentKey, text: String, _: Host) in text }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(bench).export(to: host)
}
