import Glibc
import Integrity

/// The walk through every space of a folder that comes before any of them is opened, on a few threads at once.
enum OpeningWalk {
    private struct State {
        var waiting: [DnaHash]
        var damaged: [[UInt8]: PlasmidError] = [:]
    }

    /// The damaged ones, by the cores of their DNAs.
    static func damaged(_ place: DataFolder) throws(PlasmidError) -> [[UInt8]: PlasmidError] {
        let spaces = try place.spaces()
        let state = Monitor(State(waiting: spaces))
        let paths = Dictionary(uniqueKeysWithValues: spaces.map { ($0, place.space($0)) })
        let work: @Sendable () -> Void = {
            while let dna = state.with({ $0.waiting.popLast() }) {
                do throws(PlasmidError) {
                    try PageWalk.require(paths[dna] ?? "", tables: SpaceTables.all)
                } catch {
                    state.with { $0.damaged[Array(dna.coreBytes)] = error }
                }
            }
        }
        // Reading takes most of the time where the disk is slow, looking where it is fast: a few threads serve both.
        let more = min(spaces.count, max(2, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))) - 1
        let threads = (0..<max(0, more)).compactMap { _ in OwnThread.start(work) }
        work()
        for thread in threads { thread.join() }
        return state.with { $0.damaged }
    }
}
