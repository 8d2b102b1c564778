/// Carries a reference to something of the loop's through a thread that only hands it on.
final class LoopBound<Value: AnyObject>: @unchecked Sendable {
    // Invariant behind `@unchecked Sendable`: `value` is set once, on the loop's thread, before any other thread knows
    // this object, and read only in closures that `deliver` runs on the loop's thread.
    weak var value: Value?

    init() {}
}
