import Integrity
import NIOCore
import NIOPosix
import Synchronization

@testable import plasmid

/// What a socket was told without asking, in order; other marks may be put between.
final class Frames: Sendable {
    private struct State {
        var frames: [MessagePackValue] = []
        var waiting: [UInt64: ([MessagePackValue]) -> Bool] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    func add(_ frame: [UInt8]) {
        guard let value = try? JSONLines.value(frame) else { return }
        add(value)
    }

    func add(_ value: MessagePackValue) {
        state.withLock { state in
            state.frames.append(value)
            for (id, check) in state.waiting where check(state.frames) { state.waiting[id] = nil }
        }
    }

    var all: [MessagePackValue] { state.withLock { $0.frames } }

    /// The signals of a name.
    func signals(_ name: String) -> [MessagePackValue] { Self.signals(name, in: all) }

    static func signals(_ name: String, in frames: [MessagePackValue]) -> [MessagePackValue] {
        frames.filter { $0["signal"]?["name"]?.text == name }
    }

    /// Waits until as many signals of a name came. The deadline guards against hanging; nothing that passes waits for it.
    @discardableResult
    func wait(for name: String, count: Int = 1) async throws -> [MessagePackValue] {
        try await wait(for: "signals `\(name)`", count: count) { $0["signal"]?["name"]?.text == name }
    }

    /// Waits until as many frames came that pass; `what` names them where they do not come.
    @discardableResult
    func wait(
        for what: String, count: Int = 1, _ passes: @escaping @Sendable (MessagePackValue) -> Bool
    ) async throws -> [MessagePackValue] {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: [MessagePackValue].self)
        let limit = loop.scheduleTask(in: .seconds(60)) {
            promise.fail(PlasmidError(.timeout, "\(count) \(what) did not come"))
        }
        let check: @Sendable ([MessagePackValue]) -> Bool = { frames in
            let found = frames.filter(passes)
            guard found.count >= count else { return false }
            promise.succeed(found)
            return true
        }
        state.withLock { state in
            guard !check(state.frames) else { return }
            state.waiting[state.next] = check
            state.next += 1
        }
        defer { limit.cancel() }
        return try await promise.futureResult.get()
    }
}

extension MessagePackValue {
    /// The arguments of a signal frame, which are JSON in a text.
    var arguments: MessagePackValue? {
        guard let text = self["signal"]?["arguments"]?.text else { return nil }
        return try? JSONLines.value(text)
    }
}
