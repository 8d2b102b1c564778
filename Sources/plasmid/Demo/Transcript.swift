import Foundation
import Integrity

/// What a demonstration tells: a line for each step, with what was seen; it ends at the first step that does not hold.
final class Transcript {
    private let started = ProcessInfo.processInfo.systemUptime
    private(set) var steps = 0

    func title(_ text: String) {
        Output.line("\n\(text)")
    }

    /// One step: what `body` returns is shown behind the sentence.
    func step(_ sentence: String, _ body: () async throws -> String) async throws {
        do {
            let seen = try await body()
            steps += 1
            Output.line("  ✓ \(sentence)\(seen.isEmpty ? "" : ": \(Words.harmless(seen))")")
        } catch {
            Output.line("  ✗ \(sentence)")
            throw error
        }
    }

    /// A step that must be refused with words or a code that contain `fragment`.
    func refused(_ sentence: String, _ fragment: String, _ body: () async throws -> MessagePackValue) async throws {
        try await step(sentence) {
            let answer: MessagePackValue
            do {
                answer = try await body()
            } catch let error as AppError where error.words.contains(fragment) {
                return "refused: \(error.words)"
            } catch let error as PlasmidError
                where error.message.contains(fragment) || error.code.rawValue.contains(fragment)
            {
                return "refused: \(error.message)"
            }
            throw AppError(words: "it was not refused, but answered \(try JSONLines.text(answer, indented: false))")
        }
    }

    var seconds: String {
        String(format: "%.1f", ProcessInfo.processInfo.systemUptime - started)
    }
}

/// Ends a step that saw something else than it should.
func expect(_ holds: Bool, _ words: @autoclosure () -> String) throws {
    if !holds { throw AppError(words: words()) }
}
