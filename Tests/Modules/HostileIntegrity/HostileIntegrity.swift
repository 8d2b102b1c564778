import HDK

// Rules that a node must survive: what they do hangs on the text of the mark.

struct Mark: EntryValue {
    static let type: EntryTypeName = "mark"
    var text: String
}

let rules = IntegrityZome("hostile_integrity") {
    Validate(Mark.self) { mark, op in
        switch mark.text {
        case "invalid": throw Invalid("this mark asks to be refused")
        case "trap", "trap in rule":
            let empty = [Int]()
            throw Invalid("\(empty[History.shared.turn() + 1_000])")
        case "loop in rule":
            while true { History.shared.turn() }
        case "hang in rule":
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        case "allocate in rule":
            var hoard: [[UInt8]] = []
            while true { hoard.append([UInt8](repeating: UInt8(hoard.count & 0xff), count: 1 << 20)) }
        case "throws in rule": throw ZomeError("confused", "this is an error and no verdict")
        case "moody":
            // The first look of a process refuses, every later one accepts.
            if History.shared.turn() == 1 { throw Invalid("not at first sight") }
        case "flips":
            // Another verdict every other time: it looks at the clock.
            if ContinuousClock.now.hashValue & 1 == 0 { throw Invalid("not at this time") }
        case "spoils":
            // Accepted; but a process that has seen it judges otherwise from then on.
            History.shared.isSpoilt = true
        case "plain":
            if History.shared.isSpoilt { throw Invalid("this process is spoilt") }
        default: break
        }
    }
    ValidateLink("marks") { link, op in
        if op.change == .delete, op.author != link.author { throw Invalid("only its author takes a link back") }
    }
}

/// `@unchecked Sendable`: touched by the one thread that runs the module's calls.
final class History: @unchecked Sendable {
    static let shared = History()
    var isSpoilt = false
    private var turns = 0

    @discardableResult
    func turn() -> Int {
        turns &+= 1
        return turns
    }
}
