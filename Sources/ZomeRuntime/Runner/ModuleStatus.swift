import Glibc
import Integrity

/// What the status of a result means (zome.h).
enum ModuleStatus {
    static func reply(
        _ status: UInt32, _ bytes: [UInt8], zome: String, kind: InvocationKind, name: String
    ) -> Result<ModuleReply, PlasmidError> {
        let label = ModuleFailure.label(kind, name)
        let words = status == 0 ? nil : try? ModuleError(packed: bytes)
        switch status {
        case 0:
            guard isOneValue(bytes) else {
                return garbage("answered \(label) with bytes that are no MessagePack", zome)
            }
            return .success(.ok(bytes))
        case 1:
            guard let words else { return garbage("ended \(label) with an error that cannot be read", zome) }
            return .success(.appError(words))
        case 2:
            return .failure(
                PlasmidError(.unknownFunction, "Zome '\(zome)' has no \(label).", cause: words?.message))
        case 3: return .failure(PlasmidError(.cancelled, "Zome '\(zome)': \(label) was cancelled."))
        case 4:
            return .failure(
                PlasmidError(
                    .badInput, words?.message ?? "Zome '\(zome)': the input of \(label) is malformed.",
                    hint: "The arguments have to have the shape that the function declares; its author knows it."))
        default:
            return garbage("ended \(label) with status \(status), which means nothing", zome)
        }
    }

    private static func garbage(_ what: String, _ zome: String) -> Result<ModuleReply, PlasmidError> {
        .failure(PlasmidError(.moduleGarbage, "The module of zome '\(zome)' \(what)."))
    }

    private static func isOneValue(_ bytes: [UInt8]) -> Bool {
        // The commonest answer: nil, true, false or a small number.
        if bytes.count == 1, bytes[0] < 0x80 || bytes[0] == 0xc0 || bytes[0] == 0xc2 || bytes[0] == 0xc3 { return true }
        let isGood = try? MessagePackReader.reading(bytes) {
            (reader: inout MessagePackReader) throws(PlasmidError) -> Bool in
            try reader.skip()
            return true
        }
        return isGood ?? false
    }
}

/// What the kernel says about the memory of a process.
public enum ProcessMemory {
    /// Resident bytes of this process.
    public static var ownResidentBytes: Int { residentBytes(getpid()) }

    /// Resident bytes of a process; 0 when it has gone.
    static func residentBytes(_ number: Int32) -> Int {
        guard let file = fopen("/proc/\(number)/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(getpagesize())
    }
}
