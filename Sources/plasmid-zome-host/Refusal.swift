/// Why the process will not serve: said in a `refused` frame, then it exits with 1.
struct Refusal: Error {
    /// The stable codes of docs/spec/zome-process.md.
    enum Code: String {
        case moduleMissing, notAModule, moduleABI, moduleDescribe, sandboxUnavailable, badArguments
    }

    let code: Code
    /// A sentence that names the module or the missing right.
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
