import Foundation
import Integrity
import Manifests

/// Bundles where a manifest may stand: unpacked to a temporary folder, read there, told by their own name.
enum BundleDiagnosis {
    /// The DNA bundle at a path, unpacked; nil where the path is no bundle.
    /// - Throws: what is wrong with it, or that it is of another kind.
    static func dna(_ path: String) throws -> UnpackedBundle? {
        guard BundleFile.isBundle(path) else { return nil }
        let unpacked = try UnpackedBundle(path, in: temporary)
        guard unpacked.bundle.kind == .dna else {
            let what = "\(path) is the bundle of \(unpacked.bundle.kind.title), not of \(ManifestKind.dna.title)"
            let hint = "plasmid happ check \(path) tells the hashes of its DNAs"
            throw Failure(PlasmidError(.manifestInvalid, what, hint: hint))
        }
        return unpacked
    }

    private static var temporary: String {
        FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    }

    /// What checking a bundle found. Places in its files are told as `BUNDLE/FILE`.
    static func of(_ path: String, _ kind: ManifestKind, _ describe: ManifestCheck.Describe?) -> Diagnosis {
        do throws(PlasmidError) {
            let unpacked = try UnpackedBundle(path, in: temporary)
            guard unpacked.bundle.kind == kind else {
                let other = unpacked.bundle.kind
                return fault(
                    path, .wrongKind, "this is the bundle of \(other.title), not of \(kind.title)",
                    "use \(other.command) \(path)")
            }
            return try of(unpacked, path, describe)
        } catch {
            return fault(path, .badBundle, error.message, error.hint)
        }
    }

    private static func fault(_ path: String, _ code: DiagnosticCode, _ message: String, _ hint: String?) -> Diagnosis {
        let fault = Diagnostic(file: path, line: 1, column: 1, code: code, message: message, hint: hint)
        // The bytes of a bundle are not shown.
        return Diagnosis(path: path, diagnostics: [fault], facts: [], lines: [], texts: [path: ""])
    }

    private static func of(
        _ unpacked: UnpackedBundle, _ path: String, _ describe: ManifestCheck.Describe?
    ) throws(PlasmidError) -> Diagnosis {
        var told = Checker.Told()
        let diagnostics: [Diagnostic]
        if unpacked.bundle.kind == .happ {
            let found = try ManifestCheck.happ(in: unpacked, describe: describe)
            diagnostics = found.diagnostics
            if let happ = found.happ { told = Checker.facts(happ) }
        } else {
            let found = try ManifestCheck.dna(in: unpacked, describe: describe)
            diagnostics = found.diagnostics
            if let dna = found.manifest { told = Checker.facts(dna) }
        }
        let modules = unpacked.bundle.modules.map {
            MessagePackValue.object(["platform": .string($0.platform), "module": .string($0.name)])
        }
        told.facts += [
            .init("digest", .string(unpacked.bundle.digest.text)), .init("bundled_modules", .array(modules)),
        ]
        told.lines += ["digest  \(unpacked.bundle.digest.text)"]
        if !modules.isEmpty {
            told.lines += ["built   elsewhere: \(Words.count(modules.count, "module")) of the bundle"]
        }
        var texts: [String: String] = [:]
        for file in Set(diagnostics.map(\.file)) {
            let data = FileHandle(forReadingAtPath: file)?.readData(ofLength: 1 << 20) ?? Data()
            texts[shown(file, unpacked, path)] = String(validating: data, as: UTF8.self) ?? ""
        }
        return Diagnosis(
            path: path,
            diagnostics: diagnostics.map { one in
                Diagnostic(
                    file: shown(one.file, unpacked, path), line: one.line, column: one.column, severity: one.severity,
                    code: one.code, message: shown(one.message, unpacked, path),
                    hint: one.hint.map { shown($0, unpacked, path) })
            }, facts: told.facts, lines: told.lines, texts: texts)
    }

    /// The words with the bundle's path in the place of the temporary folder's.
    private static func shown(_ text: String, _ unpacked: UnpackedBundle, _ path: String) -> String {
        text.replacingOccurrences(of: unpacked.folder, with: path)
    }
}
