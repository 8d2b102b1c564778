import Foundation
import Integrity
import Synchronization

/// `plasmid test-conductor` as a child: a JSON object in each line, requests in, answers and signals out. It ends when its
/// input does, and so with this process however that ends.
final class ConductorProcess: Sendable {
    private struct State {
        var process: Process?
        var input: FileHandle?
        var lastID: Int64 = 0
        var waiting: [Int64: CheckedContinuation<MessagePackValue, any Error>] = [:]
        var frames: [MessagePackValue] = []
        var wanted: [Wanted] = []
        /// Which start of the program this is; what an earlier one still says counts for nothing.
        var generation = 0
    }

    /// Somebody who waits for a frame.
    private struct Wanted {
        let number: Int64
        let fits: @Sendable (MessagePackValue) -> Bool
        let answer: CheckedContinuation<MessagePackValue, any Error>
    }

    private let folder: String
    private let modules: [String]
    private let state = Mutex(State())

    init(folder: String, modules: [String]) {
        self.folder = folder
        self.modules = modules
    }

    deinit { kill() }

    /// Starts the program and waits for its word that it is ready.
    func start() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Places.program())
        process.arguments = ["test-conductor", "--data", folder] + modules.flatMap { ["--modules", $0] }
        let (input, output, errors) = (Pipe(), Pipe(), folder + "/log")
        if !FileManager.default.fileExists(atPath: errors) {
            _ = FileManager.default.createFile(atPath: errors, contents: nil)
        }
        let log = FileHandle(forWritingAtPath: errors)
        _ = try log?.seekToEnd()
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, log)
        try process.run()
        let generation = state.withLock { state in
            state.process = process
            state.input = input.fileHandleForWriting
            state.frames = []
            state.generation += 1
            return state.generation
        }
        let reading = output.fileHandleForReading
        Thread.detachNewThread { [weak self] in
            // A closed pipe is an answer like others.
            signal(SIGPIPE, SIG_IGN)
            ConductorProcess.lines(of: reading) { self?.take($0, generation) }
            self?.ended(generation)
        }
        _ = try await frame(within: 60, what: "the conductor's start") { $0["ready"] != nil }
    }

    /// Ends it as a power cut would: nothing is flushed, nobody is told.
    func kill() {
        let process = state.withLock { state in
            defer { (state.process, state.input) = (nil, nil) }
            return state.process
        }
        guard let process, process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The result of a method of docs/api.md.
    /// - Parameter app: the installed app as which it is asked; nil for the operator.
    func request(
        _ method: String, _ params: MessagePackValue, as app: String? = nil
    ) async throws -> MessagePackValue {
        try await withCheckedThrowingContinuation { answer in
            let sent = state.withLock { state -> Bool in
                guard let input = state.input else { return false }
                state.lastID += 1
                var request: [MessagePackValue.Pair] = [
                    .init("id", .int(state.lastID)), .init("method", .string(method)), .init("params", params),
                ]
                if let app { request.append(.init("as", .string(app))) }
                guard let line = try? JSONText.json(fromMessagePack: MessagePackValue.map(request).packed),
                    (try? input.write(contentsOf: Data(line + [0x0a]))) != nil
                else { return false }
                state.waiting[state.lastID] = answer
                return true
            }
            if !sent { answer.resume(throwing: Refusal(code: "connectionLost", message: "the conductor does not run")) }
        }
    }

    /// The next frame that fits, of those that nobody took: at once, or when it comes.
    func frame(
        within seconds: Double, what: String, _ fits: @escaping @Sendable (MessagePackValue) -> Bool
    ) async throws -> MessagePackValue {
        try await withCheckedThrowingContinuation { answer in
            let number = state.withLock { state -> Int64 in
                if let index = state.frames.firstIndex(where: fits) {
                    answer.resume(returning: state.frames.remove(at: index))
                    return 0
                }
                state.lastID += 1
                state.wanted.append(Wanted(number: state.lastID, fits: fits, answer: answer))
                return state.lastID
            }
            guard number != 0 else { return }
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
                self?.giveUp(number, what, seconds)
            }
        }
    }

    private func giveUp(_ number: Int64, _ what: String, _ seconds: Double) {
        let late = state.withLock { state -> Wanted? in
            guard let index = state.wanted.firstIndex(where: { $0.number == number }) else { return nil }
            return state.wanted.remove(at: index)
        }
        late?.answer.resume(throwing: Refusal(code: "timeout", message: "\(what) did not come within \(seconds) s"))
    }

    private func take(_ line: [UInt8], _ generation: Int) {
        guard let packed = try? JSONText.messagePack(fromJSON: line), let value = try? MessagePackValue(packed: packed)
        else { return }
        if let id = value["id"]?.number {
            let answer = state.withLock { $0.waiting.removeValue(forKey: id) }
            if let error = value["error"] {
                let code = error["code"]?.text ?? "internal"
                answer?.resume(throwing: Refusal(code: code, message: error["message"]?.text ?? code))
            } else {
                answer?.resume(returning: value["result"] ?? .null)
            }
            return
        }
        state.withLock { state in
            guard state.generation == generation else { return }
            if let index = state.wanted.firstIndex(where: { $0.fits(value) }) {
                state.wanted.remove(at: index).answer.resume(returning: value)
            } else {
                state.frames.append(value)
            }
        }
    }

    /// The program's output ended: whoever waits for it is told its last words.
    private func ended(_ generation: Int) {
        let words = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
        let refusal = Refusal(code: "startFailed", message: "the conductor ended: \(words.suffix(2_000))")
        state.withLock { state in
            guard state.generation == generation else { return }
            for answer in state.waiting.values { answer.resume(throwing: refusal) }
            for wanted in state.wanted { wanted.answer.resume(throwing: refusal) }
            (state.waiting, state.wanted) = ([:], [])
        }
    }

    private static func lines(of handle: FileHandle, _ each: ([UInt8]) -> Void) {
        var rest: [UInt8] = []
        while true {
            let bytes = handle.availableData
            if bytes.isEmpty { return }
            for byte in bytes {
                if byte == 0x0a {
                    each(rest)
                    rest.removeAll(keepingCapacity: true)
                } else {
                    rest.append(byte)
                }
            }
        }
    }
}
