import Foundation

/// What the kernel says of processes: memory, children, threads.
enum ProcessFacts {
    /// Memory of a process in bytes.
    struct Memory {
        /// What it holds alone, and its share of what it holds with others.
        var proportional = 0
        /// What would be free again if it ended.
        var privateBytes = 0

        static func + (left: Memory, right: Memory) -> Memory {
            Memory(
                proportional: left.proportional + right.proportional,
                privateBytes: left.privateBytes + right.privateBytes)
        }
    }

    static func memory(of process: Int32) -> Memory {
        let text = (try? String(contentsOfFile: "/proc/\(process)/smaps_rollup", encoding: .utf8)) ?? ""
        var memory = Memory()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kibibytes = Int(words[1]) else { continue }
            switch words[0] {
            case "Pss:": memory.proportional += kibibytes << 10
            case "Private_Clean:", "Private_Dirty:": memory.privateBytes += kibibytes << 10
            default: break
            }
        }
        return memory
    }

    /// The processes that a process started and that still run.
    static func children(of process: Int32) -> [Int32] {
        threads(of: process).flatMap { thread in
            let list = try? String(contentsOfFile: "/proc/\(process)/task/\(thread)/children", encoding: .utf8)
            return (list ?? "").split(separator: " ").compactMap { Int32($0) }
        }
    }

    static func threads(of process: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return names.compactMap { Int32($0) }
    }

    /// The time that a process and its children have computed, in seconds.
    static func processorSeconds(of process: Int32) -> Double {
        let own = threads(of: process).reduce(0.0) { sum, thread in
            let path = "/proc/\(process)/task/\(thread)/schedstat"
            let text = try? String(contentsOfFile: path, encoding: .utf8)
            return sum + (text?.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
        }
        return children(of: process).reduce(own) { $0 + processorSeconds(of: $1) }
    }

    /// The time that the calling thread has computed, in seconds.
    static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Binds a process, all its threads and its children to processors.
    static func bind(_ process: Int32, to processors: [Int]) {
        var set = [UInt8](repeating: 0, count: 128)
        for processor in processors where processor < set.count * 8 { set[processor / 8] |= 1 << UInt8(processor % 8) }
        for thread in threads(of: process) { _ = Affinity.set?(thread, set.count, &set) }
        for child in children(of: process) { bind(child, to: processors) }
    }

    /// The processors that this process may use.
    static var processors: [Int] {
        var set = [UInt8](repeating: 0, count: 128)
        guard let get = Affinity.get, get(0, set.count, &set) == 0 else { return [0] }
        return (0..<(set.count * 8)).filter { set[$0 / 8] & (1 << UInt8($0 % 8)) != 0 }
    }

    /// `sched_setaffinity` and `sched_getaffinity`, which Swift's import of the C library leaves out.
    private enum Affinity {
        typealias Call = @convention(c) (pid_t, Int, UnsafeMutablePointer<UInt8>) -> Int32

        static let set = find("sched_setaffinity")
        static let get = find("sched_getaffinity")

        private static func find(_ name: String) -> Call? {
            dlsym(nil, name).map { unsafeBitCast($0, to: Call.self) }
        }
    }

    /// Bytes that the files below a folder take on the disk; holes take none.
    static func diskBytes(_ folder: String, except: Set<String> = []) -> Int {
        var sum = 0
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where !except.contains(name) {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            sum += Int(status.st_blocks) * 512
            if status.st_mode & S_IFMT == S_IFDIR { sum += diskBytes(path) }
        }
        return sum
    }
}

/// Durations, sorted when asked for.
struct Samples {
    private(set) var seconds: [Double] = []

    mutating func add(_ duration: Double) { seconds.append(duration) }

    /// The value below which `share` of the samples lie, in seconds; 0 without samples.
    func quantile(_ share: Double) -> Double {
        guard !seconds.isEmpty else { return 0 }
        let sorted = seconds.sorted()
        return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }

    var median: Double { quantile(0.5) }
}

/// Seconds on a clock that only goes forward.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
