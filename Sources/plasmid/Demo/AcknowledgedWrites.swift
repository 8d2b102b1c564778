import Foundation
import Integrity

/// Writes notes from several writers at once until the target is reached, and keeps what was acknowledged.
actor AcknowledgedWrites {
    private let target: Int
    private(set) var acknowledged: [String: String] = [:]
    private var isReached = false

    init(target: Int) {
        self.target = target
    }

    /// Writes until `atTarget`, which is run once, has made writing impossible.
    /// - Throws: an error that came before the target was reached.
    func write(
        client: AppClient, instance: String, writers: Int, atTarget: @escaping @Sendable () -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask { try await self.write(client, instance, writer, atTarget) }
            }
            try await group.waitForAll()
        }
    }

    private nonisolated func write(
        _ client: AppClient, _ instance: String, _ writer: Int, _ atTarget: @Sendable () -> Void
    ) async throws {
        var number = 0
        while true {
            number += 1
            let text = "note \(number) of writer \(writer)"
            do {
                let hash = try await client.call(instance, "messenger", "write", .object(["text": .string(text)]))
                if await note(hash.text ?? "", text) { atTarget() }
            } catch {
                // After the kill every writer ends here; before it nobody may.
                if await isReached { return }
                throw error
            }
        }
    }

    /// Keeps an acknowledged write; true for the one that reaches the target.
    private func note(_ hash: String, _ text: String) -> Bool {
        acknowledged[hash] = text
        guard acknowledged.count >= target, !isReached else { return false }
        isReached = true
        return true
    }
}
