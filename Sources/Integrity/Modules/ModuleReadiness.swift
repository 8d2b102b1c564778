/// What a zome process says about itself in its `ready` frame: MessagePack map `{abi, sandbox, modules}`.
public struct ModuleReadiness: Packable, Equatable {
    /// What the kernel granted: map `{landlock, seccomp}`.
    public struct Sandbox: Equatable, Sendable {
        /// The Landlock ABI in force (1…); 0 means that files are not protected by Landlock.
        public var landlock: UInt32
        /// Whether both system call filters are in force.
        public var seccomp: Bool

        /// What was achieved.
        public init(landlock: UInt32, seccomp: Bool) {
            self.landlock = landlock
            self.seccomp = seccomp
        }

        /// Whether nothing is missing.
        public var isComplete: Bool { landlock > 0 && seccomp }
    }

    /// ABI number of zome.h that the process speaks.
    public var abi: UInt32
    /// What the kernel granted.
    public var sandbox: Sandbox
    /// One description for every module, in the order of the arguments.
    public var modules: [ModuleDescription]

    /// A readiness.
    public init(abi: UInt32, sandbox: Sandbox, modules: [ModuleDescription]) {
        self.abi = abi
        self.sandbox = sandbox
        self.modules = modules
    }

    /// Writes a map of three fields.
    public func pack(into writer: inout MessagePackWriter) {
        writer.writeMapHeader(3)
        writer.writeString("abi")
        writer.writeUInt(UInt64(abi))
        writer.writeString("sandbox")
        writer.writeMapHeader(2)
        writer.writeString("landlock")
        writer.writeUInt(UInt64(sandbox.landlock))
        writer.writeString("seccomp")
        writer.writeBool(sandbox.seccomp)
        writer.writeString("modules")
        writer.writeArrayHeader(modules.count)
        for module in modules { module.pack(into: &writer) }
    }

    /// Reads the map; keys that are not known here are passed over.
    public init(from reader: inout MessagePackReader) throws(PlasmidError) {
        self.init(abi: 0, sandbox: Sandbox(landlock: 0, seccomp: false), modules: [])
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readString() {
            case "abi": abi = UInt32(truncatingIfNeeded: try reader.readUInt())
            case "sandbox": sandbox = try Self.readSandbox(&reader)
            case "modules":
                for _ in 0..<(try reader.readArrayHeader()) { modules.append(try ModuleDescription(from: &reader)) }
            default: try reader.skip()
            }
        }
    }

    private static func readSandbox(_ reader: inout MessagePackReader) throws(PlasmidError) -> Sandbox {
        var sandbox = Sandbox(landlock: 0, seccomp: false)
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readString() {
            case "landlock": sandbox.landlock = UInt32(truncatingIfNeeded: try reader.readUInt())
            case "seccomp": sandbox.seccomp = try reader.readBool()
            default: try reader.skip()
            }
        }
        return sandbox
    }
}
