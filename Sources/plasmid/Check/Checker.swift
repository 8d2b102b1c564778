import ArgumentParser
import Foundation
import Integrity
import Manifests

/// Checks the files that a command line names, once or again and again, and tells what was found.
struct Checker {
    let kind: ManifestKind
    let paths: [String]
    let options: CheckOptions

    /// Runs `dna check` or `happ check`.
    /// - Throws: `Failure.told` when a file is faulty.
    func run() throws {
        if let code = options.explain { return try Explain.tell(code, asJSON: options.chosen == .json) }
        guard options.watch else {
            try tell(try diagnose())
            return
        }
        guard !paths.contains("-") else {
            throw Failure.usage("standard input cannot be watched", hint: "name the file")
        }
        try Watch(kind: kind, options: options).run(
            inputs: { try ManifestSearch.inputs(paths, kind).map(\.path) }, check: { try? tell(try diagnose()) })
    }

    private func diagnose() throws -> [Diagnosis] {
        let describer = options.describer
        return try ManifestSearch.inputs(paths, kind).map { input in
            var diagnosis = Checker.diagnose(input, kind, describer)
            if options.strict { diagnosis.diagnostics = diagnosis.diagnostics.strict }
            return diagnosis
        }
    }

    private func tell(_ found: [Diagnosis]) throws {
        switch options.chosen {
        case .text:
            let report = TextReport(isColored: TextReport.isColored, isQuiet: options.quiet)
            for text in found.map({ report.text($0) }) + [report.total(found)] where !text.isEmpty { Output.line(text) }
        case .json:
            for line in try found.flatMap({ try $0.jsonLines(isQuiet: options.quiet) }) { Output.line(line) }
        case .sarif:
            try Output.json(SarifLog.log(found, isQuiet: options.quiet), indented: true)
        }
        try Diagnosis.throwIfFaulty(found)
    }

    /// What is to say about one file.
    static func diagnose(_ input: ManifestSearch.Input, _ kind: ManifestKind, _ describer: ModuleDescriber?)
        -> Diagnosis
    {
        let describe: ManifestCheck.Describe? = describer.map { describer in
            { modules, base in describer.describe(modules, base) }
        }
        guard input.faults.isEmpty else {
            return Diagnosis(path: input.path, diagnostics: input.faults, facts: [], lines: [], text: "")
        }
        if input.text == nil, BundleFile.isBundle(input.path) {
            return BundleDiagnosis.of(input.path, kind, describe)
        }
        if kind == .happ {
            let (happ, diagnostics) = ManifestCheck.happ(at: input.path, text: input.text, describe: describe)
            let told = happ.map { facts($0) } ?? Told()
            return Diagnosis(
                path: input.path, diagnostics: diagnostics, facts: told.facts, lines: told.lines, text: input.text)
        }
        let (dna, diagnostics) = ManifestCheck.dna(at: input.path, text: input.text, describe: describe)
        let told = dna.map { facts($0) } ?? Told()
        return Diagnosis(
            path: input.path, diagnostics: diagnostics, facts: told.facts, lines: told.lines, text: input.text)
    }

    /// What a valid file amounts to.
    struct Told {
        var facts: [MessagePackValue.Pair] = []
        var lines: [String] = []
    }

    static func facts(_ manifest: DnaManifest) -> Told {
        let definition = manifest.definition()
        let hash = definition.hash().text
        let counts = [
            Words.count(definition.integrity.entryTypes.count, "entry type"),
            Words.count(definition.integrity.linkTypes.count, "link type"),
            Words.count(definition.integrity.zomes.count + definition.coordinator.count, "zome"),
        ]
        let lines = ["name  \(manifest.name)", "hash  \(hash)", "has   " + counts.joined(separator: ", ")]
        let facts: [MessagePackValue.Pair] = [
            .init("name", .string(manifest.name)), .init("dna", .string(hash)),
            .init("public", .bool(definition.integrity.networkSeed.isEmpty)),
        ]
        return Told(facts: facts, lines: lines)
    }

    static func facts(_ happ: LoadedHapp) -> Told {
        let roles = happ.roles.map { (role: $0.role.name, name: $0.manifest.name, hash: $0.definition.hash().text) }
        let list = roles.map {
            MessagePackValue.object(["role": .string($0.role), "dna_name": .string($0.name), "dna": .string($0.hash)])
        }
        let facts: [MessagePackValue.Pair] = [
            .init("name", .string(happ.manifest.name)), .init("roles", .array(list)),
        ]
        let table = Table(headings: ["ROLE", "DNA", "DNA HASH"], rows: roles.map { [$0.role, $0.name, $0.hash] })
        return Told(
            facts: facts, lines: ["name  \(happ.manifest.name)"] + table.text.split(separator: "\n").map(String.init))
    }
}
