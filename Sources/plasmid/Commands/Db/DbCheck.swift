import ArgumentParser
import Integrity
import Storage

/// `plasmid db check`
struct DbCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check everything on disk: every page, hash, chain, signature and index.",
        discussion: """
            Changes nothing. The conductor of the folder must not be running. Exit status: 0 when all is well, 1 when \
            something is damaged, 3 when the folder cannot be looked at.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The data folder. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.", valueName: "dir"),
        completion: .directory)
    var data: String?

    @Flag(name: .long, help: "Leave out the signatures, which take the most time.")
    var skipSignatures = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try DataFolder(option: data)
        let bar = ProgressBar("checking", total: 0)
        let report: CheckReport
        do {
            report = try Database.check(folder: folder.path, verifiesSignatures: !skipSignatures) { report in
                bar.update(report.actions + report.entries + report.indexRows)
            }
            bar.finish()
        } catch {
            bar.finish()
            // Nothing is known about the data then: it could not be looked at.
            let hint = error.code == .notFound ? "name the folder of a conductor with --data DIR" : error.hint
            let told = PlasmidError(error.code, error.message, hint: hint, cause: error.cause)
            throw Failure(status: .unreachable, error: told)
        }
        if output.json {
            try Output.json(DbCheck.object(report, folder.path))
        } else {
            for fault in report.faults { Output.line(Words.harmless(fault.description)) }
            Output.line(DbCheck.summary(report, folder.path))
        }
        if !report.isGood { throw Failure.told }
    }

    /// The last words of the check.
    static func summary(_ report: CheckReport, _ path: String) -> String {
        let seen = [
            (report.spaces, "spaces"), (report.actions, "actions"), (report.entries, "entries"),
            (report.indexRows, "index rows"), (report.journalRecords, "journal records"),
            (report.waitingRecords, "of them not in a database yet"),
            (report.pages, "pages"),
        ].map { "\($0.1) \(ProgressBar.grouped($0.0))" }.joined(separator: ", ")
        if report.isGood { return "\(path): all is well (\(seen))" }
        let faults = report.faultCount == 1 ? "1 fault" : "\(ProgressBar.grouped(report.faultCount)) faults"
        return "\(path): \(faults) (\(seen))\nhint: restore the folder from a backup; keep this one as it is until then"
    }

    static func object(_ report: CheckReport, _ path: String) -> MessagePackValue {
        func count(_ number: Int) -> MessagePackValue { .int(Int64(number)) }
        return .object([
            "data": .string(path), "good": .bool(report.isGood), "fault_count": count(report.faultCount),
            "faults": .array(
                report.faults.map { fault in
                    .object([
                        "code": .string(fault.code), "place": .string(fault.place), "message": .string(fault.message),
                    ])
                }),
            "spaces": count(report.spaces), "actions": count(report.actions), "entries": count(report.entries),
            "index_rows": count(report.indexRows), "journal_records": count(report.journalRecords),
            "waiting_records": count(report.waitingRecords),
            "pages": count(report.pages),
        ])
    }
}
