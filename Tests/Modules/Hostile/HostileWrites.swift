import HDK

// What a module may try with writes, signals and calls that are over.

@ZomeBuilder
func writes() -> [ZomePart] {
    Function("create") { (text: String, host: Host) in try await host.create(Mark(text: text)) }
    // Nothing of this may remain.
    Function("create_twice_then_throw") { (host: Host) -> Void in
        _ = try await host.create(Mark(text: "first"))
        _ = try await host.create(Mark(text: "second"))
        throw ZomeError("changedMyMind", "nothing of this shall remain")
    }
    // The validator refuses it, and says why.
    Function("create_invalid") { (host: Host) in try await host.create(Mark(text: "invalid")) }
    // The first is good, the second is not: neither may remain.
    Function("create_good_and_invalid") { (host: Host) in
        _ = try await host.create(Mark(text: "good"))
        return try await host.create(Mark(text: "invalid"))
    }
    // A type that the manifest does not have.
    Function("create_undeclared") { (host: Host) in try await host.create(Undeclared(text: "x")) }
    signals()
    callbacks()
}

@ZomeBuilder
private func signals() -> [ZomePart] {
    // The signal may not be heard.
    Function("emit_then_fail") { (host: Host) -> Void in
        try await host.emitSignal("boast", "it worked")
        throw ZomeError("itDidNot", "no signal of this call may be heard")
    }
    Function("emit") { (amount: Amount, host: Host) in
        for number in 0..<amount.count { try await host.emitSignal("number", number) }
    }
    // Writes after its call has returned.
    Function("linger") { (host: Host) in
        Task {
            for _ in 0..<100 { await Task.yield() }
            _ = try await host.create(Mark(text: "too late"))
        }
    }
    // Writes, and traps before it returns.
    Function("create_then_trap") { (host: Host) in
        _ = try await host.create(Mark(text: "doomed"))
        let empty = [Int]()
        return empty[readLength()]
    }
    // Calls itself until somebody says stop.
    Function("call_myself") { (host: Host) in
        try await host.call(zome: "hostile", "call_myself", nil as String?, as: String?.self)
    }
}

@ZomeBuilder
private func callbacks() -> [ZomePart] {
    Receive { (from: AgentKey, text: String, host: Host) -> String in
        switch text {
        case "trap":
            let empty = [String]()
            return empty[readLength()]
        case "fail": throw ZomeError("refused", "I will not hear \(from)")
        case "hang":
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
            return ""
        default:
            _ = try await host.create(Mark(text: text))
            return text
        }
    }
    // Fails as long as the DNA's properties ask for it.
    Init { host in
        let properties = try await host.properties(as: HostileProperties?.self)
        if properties?.initFails == true { throw ZomeError("initFailed", "the properties ask this init to fail") }
    }
}

struct Undeclared: EntryValue {
    static let type: EntryTypeName = "undeclared"
    var text: String
}

struct HostileProperties: Decodable, Sendable {
    var initFails: Bool?

    enum CodingKeys: String, CodingKey {
        case initFails = "init_fails"
    }
}
