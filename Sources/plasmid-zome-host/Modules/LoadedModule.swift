import CZome
import Glibc
import Integrity

/// One module in this process.
struct LoadedModule {
    let zome: String
    /// The module's functions; lives as long as the process.
    let functions: UnsafePointer<zome_module>
    let description: ModuleDescription

    /// Maps the library, checks its ABI and lets it describe itself. Its constructors run in here.
    init(_ module: Arguments.Module, host: UnsafePointer<zome_host>) throws(Refusal) {
        zome = module.zome
        let file = open(module.path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw Refusal(.moduleMissing, "Zome '\(zome)': there is no module at \(module.path): \(lastError()).")
        }
        close(file)
        guard let library = dlopen(module.path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
            throw Refusal(.notAModule, "Zome '\(zome)': the module cannot be loaded: \(reason).")
        }
        guard let symbol = dlsym(library, "plasmid_zome_open") else {
            throw Refusal(
                .notAModule, "Zome '\(zome)': \(module.path) is a library, but it does not export plasmid_zome_open.")
        }
        typealias Start = @convention(c) (UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>?
        let start = unsafeBitCast(symbol, to: Start.self)
        guard let functions = start(host) else {
            throw Refusal(.moduleABI, "Zome '\(zome)': the module refuses a host of ABI \(ZOME_ABI).")
        }
        guard functions.pointee.abi == ZOME_ABI, functions.pointee.size >= UInt32(MemoryLayout<zome_module>.size) else {
            throw Refusal(
                .moduleABI,
                "Zome '\(zome)': the module speaks ABI \(functions.pointee.abi), this host speaks \(ZOME_ABI).")
        }
        self.functions = functions
        description = try Self.describe(functions, zome: zome)
    }

    private final class Described {
        var status: Int32 = -1
        var bytes: [UInt8] = []
    }

    private static func describe(
        _ functions: UnsafePointer<zome_module>, zome: String
    ) throws(Refusal) -> ModuleDescription {
        let described = Described()
        let waiter = Unmanaged.passRetained(described)
        defer { waiter.release() }
        functions.pointee.describe?(functions.pointee.context, waiter.toOpaque()) { waiter, status, bytes, count in
            guard let waiter else { return }
            let described = Unmanaged<Described>.fromOpaque(waiter).takeUnretainedValue()
            described.status = status
            described.bytes = Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
        }
        guard described.status == 0, functions.pointee.invoke != nil, functions.pointee.run != nil else {
            throw Refusal(.moduleDescribe, "Zome '\(zome)': the module does not describe itself.")
        }
        do {
            return try ModuleDescription(packed: described.bytes)
        } catch {
            throw Refusal(.moduleDescribe, "Zome '\(zome)': the module's description cannot be read: \(error.message).")
        }
    }
}
