import HDK

// What the HDK would not let a rule do: this module puts a function of its own in front of the HDK's `invoke`.
//   "garbage in rule"   answers with what is no MessagePack
//   "too few in rule"   answers with fewer verdicts than there were operations
//   "writes in rule"    asks the host to write; accepts the operation when the host refuses that, and rejects it
// otherwise

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    guard let host, let face = Module(rules).export(to: host) else { return nil }
    let front = Front(host: host, behind: face)
    let copy = UnsafeMutablePointer<zome_module>.allocate(capacity: 1)
    copy.initialize(to: face.pointee)
    copy.pointee.context = Unmanaged.passRetained(front).toOpaque()
    copy.pointee.describe = { context, waiter, complete in
        let face = Front.of(context).behind.pointee
        face.describe(face.context, waiter, complete)
    }
    copy.pointee.invoke = frontInvoke
    copy.pointee.cancel = { context, call in
        let face = Front.of(context).behind.pointee
        face.cancel(face.context, call)
    }
    copy.pointee.run = { context in
        let face = Front.of(context).behind.pointee
        return face.run(face.context)
    }
    copy.pointee.close = { context in
        let face = Front.of(context).behind.pointee
        face.close(face.context)
    }
    return UnsafePointer(copy)
}

private final class Front {
    let host: UnsafePointer<zome_host>
    let behind: UnsafePointer<zome_module>

    init(host: UnsafePointer<zome_host>, behind: UnsafePointer<zome_module>) {
        self.host = host
        self.behind = behind
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> Front {
        Unmanaged<Front>.fromOpaque(UnsafeRawPointer(bitPattern: UInt(bitPattern: context)).unsafelyUnwrapped)
            .takeUnretainedValue()
    }
}

/// Who waits for the verdict while the host refuses, or does not refuse, to write.
private final class WritingRule {
    let count: Int
    let waiter: UnsafeMutableRawPointer?
    let complete: zome_complete?

    init(count: Int, waiter: UnsafeMutableRawPointer?, complete: zome_complete?) {
        self.count = count
        self.waiter = waiter
        self.complete = complete
    }
}

private func frontInvoke(
    _ context: UnsafeMutableRawPointer?, _ call: UInt64, _ kind: UInt32, _ name: UnsafePointer<UInt8>?,
    _ nameCount: Int, _ bytes: UnsafePointer<UInt8>?, _ count: Int, _ waiter: UnsafeMutableRawPointer?,
    _ complete: zome_complete?
) {
    let front = Front.of(context)
    let payload = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    if payload.contains("garbage in rule") {
        let garbage: [UInt8] = [0xc1, 0xff, 0x00, 0xde]
        garbage.withUnsafeBufferPointer { complete?(waiter, Int32(ZOME_OK), $0.baseAddress, $0.count) }
    } else if payload.contains("too few in rule") {
        let empty: [UInt8] = [0x90]
        empty.withUnsafeBufferPointer { complete?(waiter, Int32(ZOME_OK), $0.baseAddress, $0.count) }
    } else if payload.contains("writes in rule") {
        let ops = try? Invocation(packed: Array(UnsafeBufferPointer(start: bytes, count: count))).payload
        let rule = Unmanaged.passRetained(
            WritingRule(count: ops.map(countOfArray) ?? 0, waiter: waiter, complete: complete)
        ).toOpaque()
        front.host.pointee.request(
            front.host.pointee.context, call, HostOperation.create.rawValue, nil, 0, rule, writeAnswered)
    } else {
        let face = front.behind.pointee
        face.invoke(face.context, call, kind, name, nameCount, bytes, count, waiter, complete)
    }
}

private func writeAnswered(
    _ waiter: UnsafeMutableRawPointer?, _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int
) {
    guard let waiter else { return }
    let rule = Unmanaged<WritingRule>.fromOpaque(waiter).takeRetainedValue()
    let verdict: ValidateOutcome = status == Int32(ZOME_OK) ? .invalid("the host lets rules write") : .valid
    let verdicts = Array(repeating: verdict, count: rule.count).packed
    verdicts.withUnsafeBufferPointer { rule.complete?(rule.waiter, Int32(ZOME_OK), $0.baseAddress, $0.count) }
}

/// How many elements an array has, by its header.
private func countOfArray(_ bytes: [UInt8]) -> Int {
    let count = try? MessagePackReader.reading(bytes) { (reader: inout MessagePackReader) throws(PlasmidError) in
        let count = try reader.readArrayHeader()
        for _ in 0..<count { try reader.skip() }
        return count
    }
    return count ?? 0
}
