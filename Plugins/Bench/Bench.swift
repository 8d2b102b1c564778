import HDK

/// How many signals.
struct Burst: Decodable, Sendable {
    var count: Int
}

/// What each of them carries.
struct Tick: Encodable, Sendable {
    var number: Int
}

/// What figures need and no app has.
let bench = Zome("bench") {
    Function("emit") { (burst: Burst, host: Host) in
        for number in 0..<burst.count {
            try await host.emitSignal("tick", Tick(number: number))
        }
    }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(bench).export(to: host)
}
