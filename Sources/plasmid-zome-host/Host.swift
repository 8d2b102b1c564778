import Glibc

/// The smallest possible process around zome modules: rights are given up first, then code is loaded.
///
/// Synchronous on purpose: a task before lockdown would start threads that Landlock does not bind.
@main
enum Host {
    static func main() {
        var lockdown = Lockdown()
        var process = ZomeProcess(maxFrameBytes: 1 << 20)
        do throws(Refusal) {
            let arguments = try Arguments(CommandLine.arguments)
            process = ZomeProcess(maxFrameBytes: arguments.maxFrameBytes)
            try lockdown.beforeModules(memoryBytes: arguments.memoryBytes, modules: arguments.modules.map(\.path))
            guard lockdown.isComplete || !arguments.sandboxRequired else { throw lockdown.incomplete }
            install(process)
            for module in arguments.modules { try process.load(module) }
            lockdown.afterModules()
            guard lockdown.isComplete || !arguments.sandboxRequired else { throw lockdown.incomplete }
        } catch {
            process.refuse(error)
            _exit(1)
        }
        process.announce(lockdown)
        process.serve()
        _exit(0)
    }
}
