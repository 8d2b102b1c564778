import CZome
import Glibc
import Integrity

/// Loads a module into this process: the same checks, in the same order and with the same codes, as plasmid-zome-host.
enum ModuleLibrary {
    private typealias Start = @convention(c) (UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>?

    static func load(
        _ spec: ModuleSpec, host: UnsafePointer<zome_host>
    ) throws(PlasmidError) -> (UnsafePointer<zome_module>, ModuleDescription) {
        guard access(spec.path, R_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            throw PlasmidError(.moduleMissing, "Zome '\(spec.zome)': there is no module at \(spec.path): \(reason).")
        }
        guard let library = dlopen(spec.path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
            throw PlasmidError(.notAModule, "Zome '\(spec.zome)': the module cannot be loaded: \(reason).")
        }
        guard let symbol = dlsym(library, "plasmid_zome_open") else {
            throw PlasmidError(
                .notAModule,
                "Zome '\(spec.zome)': \(spec.path) is a library, but it does not export plasmid_zome_open.")
        }
        guard let module = unsafeBitCast(symbol, to: Start.self)(host) else {
            throw PlasmidError(.moduleABI, "Zome '\(spec.zome)': the module refuses a host of ABI \(ZOME_ABI).")
        }
        guard module.pointee.abi == ZOME_ABI, module.pointee.size >= UInt32(MemoryLayout<zome_module>.size) else {
            throw PlasmidError(
                .moduleABI,
                "Zome '\(spec.zome)': the module speaks ABI \(module.pointee.abi), this host speaks \(ZOME_ABI).")
        }
        return (module, try describe(module, spec))
    }

    private final class Described {
        var status: Int32 = -1
        var bytes: [UInt8] = []
    }

    private static func describe(
        _ module: UnsafePointer<zome_module>, _ spec: ModuleSpec
    ) throws(PlasmidError) -> ModuleDescription {
        let described = Described()
        let waiter = Unmanaged.passRetained(described)
        defer { waiter.release() }
        module.pointee.describe?(module.pointee.context, waiter.toOpaque(), describeComplete)
        guard described.status == 0, module.pointee.invoke != nil, module.pointee.run != nil else {
            throw PlasmidError(.moduleDescribe, "Zome '\(spec.zome)': the module does not describe itself.")
        }
        do {
            return try ModuleDescription(packed: described.bytes)
        } catch {
            throw PlasmidError(
                .moduleDescribe, "Zome '\(spec.zome)': the module's description cannot be read.", cause: error.message)
        }
    }

    private static let describeComplete: zome_complete = { waiter, status, bytes, count in
        guard let waiter else { return }
        let described = Unmanaged<Described>.fromOpaque(waiter).takeUnretainedValue()
        described.status = status
        described.bytes = Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
    }
}
