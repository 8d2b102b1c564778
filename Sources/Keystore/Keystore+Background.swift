import Glibc
public import Integrity
public import Sodium

extension Keystore {
    /// Runs a piece of work on the caller's event loop, for example `{ loop.execute($0) }`.
    public typealias Deliver = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void
    /// What an opening in the background ends with; called exactly once, where `Deliver` runs it.
    public typealias Completion = @Sendable (Result<Keystore, PlasmidError>) -> Void

    /// Opens the keystore in a file on a thread of its own, so that Argon2id keeps no loop busy.
    /// - Parameters:
    ///   - deliver: brings the completion to the caller's loop.
    ///   - completion: gets the keystore or any error of ``open(at:passphrase:)``.
    public static func open(
        at path: String, passphrase: consuming SecretBytes, deliver: @escaping Deliver,
        completion: @escaping Completion
    ) {
        let held = HeldPassphrase(passphrase)
        OwnThread.run(deliver, completion) { () throws(PlasmidError) in
            try open(at: path, passphrase: held.secret)
        }
    }

    /// Makes an empty keystore in a new file on a thread of its own, so that Argon2id keeps no loop busy.
    /// - Parameters:
    ///   - deliver: brings the completion to the caller's loop.
    ///   - completion: gets the keystore or any error of ``create(at:passphrase:cost:)``.
    public static func create(
        at path: String, passphrase: consuming SecretBytes, cost: KeystoreCost = .sensitive,
        deliver: @escaping Deliver, completion: @escaping Completion
    ) {
        let held = HeldPassphrase(passphrase)
        OwnThread.run(deliver, completion) { () throws(PlasmidError) in
            try create(at: path, passphrase: held.secret, cost: cost)
        }
    }
}

/// A passphrase that a closure can hold on to.
private final class HeldPassphrase: Sendable {
    let secret: SecretBytes

    init(_ secret: consuming SecretBytes) {
        self.secret = secret
    }
}

/// A thread that does one thing and ends.
private final class OwnThread: Sendable {
    private let work: @Sendable () -> Void

    private init(_ work: @escaping @Sendable () -> Void) {
        self.work = work
    }

    /// Runs `make` on a new thread and brings its result to the caller's loop.
    static func run(
        _ deliver: @escaping Keystore.Deliver, _ completion: @escaping Keystore.Completion,
        _ make: @escaping @Sendable () throws(PlasmidError) -> Keystore
    ) {
        let box = OwnThread {
            let result = Result { () throws(PlasmidError) in try make() }
            deliver { completion(result) }
        }
        let context = Unmanaged.passRetained(box)
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, ownThreadMain, context.toOpaque())
        guard status == 0 else {
            context.release()
            let error = PlasmidError(
                .keystoreUnusable, "no thread could be started to open the keystore", cause: SystemError.text(status))
            deliver { completion(.failure(error)) }
            return
        }
        pthread_detach(thread)
    }

    fileprivate func main() { work() }
}

/// A free function, so that it is isolated to no actor: pthread calls it on a thread that Swift knows nothing of.
private func ownThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<OwnThread>.fromOpaque(context).takeRetainedValue().main()
    return nil
}
