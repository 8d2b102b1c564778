import NIOCore

/// Does something again and again on a loop, until it is stopped or let go. On the loop only.
final class LoopTicker {
    private let loop: any EventLoop
    private let interval: TimeAmount
    private let body: () -> Void
    private var timer: Scheduled<Void>?

    /// Begins one interval from now.
    init(_ loop: any EventLoop, every interval: TimeAmount, _ body: @escaping () -> Void) {
        self.loop = loop
        self.interval = interval
        self.body = body
        schedule()
    }

    deinit { timer?.cancel() }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func schedule() {
        timer = loop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
            guard let self, timer != nil else { return }
            schedule()
            body()
        }
    }
}
