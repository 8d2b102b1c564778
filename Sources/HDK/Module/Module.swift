import CZome

/// A zome as the host gets it: the one thing that a module's exported function returns.
///
/// ```swift
/// @c(plasmid_zome_open)
/// public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
///     Module(messenger).export(to: host)
/// }
/// ```
public struct Module: Sendable {
    let table: CallTable

    /// A module of a coordinator zome.
    public init(_ zome: Zome) {
        table = zome.table
    }

    /// A module of an integrity zome.
    public init(_ zome: IntegrityZome) {
        table = zome.table
    }

    /// Opens the module for a host. The result lives until the host closes it. Returns nil, which refuses, when the
    /// host speaks another ABI than this module was built with.
    public func export(to host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
        guard let host, host.pointee.abi == ZOME_ABI, Int(host.pointee.size) >= MemoryLayout<zome_host>.size else {
            return nil
        }
        let opened = OpenedModule(ModuleRuntime(host: host, table: table))
        return UnsafePointer(opened.face)
    }
}

/// A runtime and the C struct that speaks for it. Keeps itself alive until it is closed.
private final class OpenedModule {
    let runtime: ModuleRuntime
    let face: UnsafeMutablePointer<zome_module>

    init(_ runtime: ModuleRuntime) {
        self.runtime = runtime
        face = .allocate(capacity: 1)
        face.initialize(
            to: zome_module(
                abi: ZOME_ABI, size: UInt32(MemoryLayout<zome_module>.size), context: nil, describe: moduleDescribe,
                invoke: moduleInvoke, cancel: moduleCancel, run: moduleRun, close: moduleClose))
        face.pointee.context = Unmanaged.passRetained(self).toOpaque()
    }

    deinit {
        face.deinitialize(count: 1)
        face.deallocate()
    }

    /// The module behind a `context` of the host's.
    static func behind(_ context: UnsafeMutableRawPointer?) -> OpenedModule? {
        context.map { Unmanaged<OpenedModule>.fromOpaque($0).takeUnretainedValue() }
    }
}

// The five functions of `zome_module`. Free and nonisolated: a closure would take on the isolation of where it is
// written, and trap when the host calls it on a thread of its own.

private func moduleDescribe(
    _ context: UnsafeMutableRawPointer?, _ waiter: UnsafeMutableRawPointer?, _ complete: zome_complete?
) {
    guard let module = OpenedModule.behind(context) else { return }
    CallReply.ok(module.runtime.table.description).send(to: waiter, complete)
}

private func moduleInvoke(
    _ context: UnsafeMutableRawPointer?, _ call: UInt64, _ kind: UInt32, _ name: UnsafePointer<UInt8>?,
    _ nameCount: Int, _ bytes: UnsafePointer<UInt8>?, _ count: Int, _ waiter: UnsafeMutableRawPointer?,
    _ complete: zome_complete?
) {
    guard let module = OpenedModule.behind(context) else { return }
    let name = String(decoding: UnsafeBufferPointer(start: name, count: name == nil ? 0 : nameCount), as: UTF8.self)
    module.runtime.invoke(
        call, kind: kind, name: name, bytes: copied(bytes, count), waiter: waiter, complete: complete)
}

private func moduleCancel(_ context: UnsafeMutableRawPointer?, _ call: UInt64) {
    OpenedModule.behind(context)?.runtime.cancel(call)
}

private func moduleRun(_ context: UnsafeMutableRawPointer?) -> Int {
    OpenedModule.behind(context)?.runtime.run() ?? 0
}

private func moduleClose(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let module = Unmanaged<OpenedModule>.fromOpaque(context).takeRetainedValue()
    module.runtime.close()
}
