import Foundation
public import Integrity

/// Reads DNA and hApp manifests: the way in for everything that a person wrote about an app.
///
/// Every fault of a file is reported at once, with its place, sorted. A result is there only when no fault is an error.
/// Reading touches the disk and hashes the validators' sources: not for an event loop.
public enum ManifestReader {
    /// Reads the DNA manifest at a path, with its validators' sources.
    /// - Parameter text: what to read instead of the file's content, for what came by standard input; paths in it start
    ///   at the folder of `path` all the same.
    public static func dna(at path: String, text: String? = nil) -> (manifest: DnaManifest?, diagnostics: [Diagnostic])
    {
        var report = Report(file: path)
        guard let root = ManifestFile.root(text, report: &report) else { return (nil, report.sorted) }
        var reader = DnaReader(report: report, sourceBase: ManifestFile.sourceBase(of: path))
        let definition = reader.read(root)
        guard let definition, !reader.report.hasErrors else { return (nil, reader.report.sorted) }
        let manifest = DnaManifest(
            path: path, definition: definition, places: reader.report.places, sourceBase: reader.sourceBase)
        return (manifest, reader.report.sorted)
    }

    /// Reads the hApp manifest at a path, and the DNA manifest of each role; faults of those files are included.
    /// - Parameters:
    ///   - text: as for ``dna(at:text:)``
    ///   - folder: the folder that no path may lead out of, absolute; nil for none
    public static func happ(
        at path: String, text: String? = nil, within folder: String? = nil
    ) -> (happ: LoadedHapp?, diagnostics: [Diagnostic]) {
        var report = Report(file: path)
        guard let root = ManifestFile.root(text, report: &report) else { return (nil, report.sorted) }
        var reader = HappReader(report: report, boundary: folder)
        let happ = reader.read(root)
        return (reader.report.hasErrors ? nil : happ, reader.report.sorted)
    }

    /// The text of bytes that did not come out of a file, under the same bounds.
    /// - Parameter path: what faults call them.
    public static func text(of bytes: [UInt8], path: String) -> (text: String?, diagnostics: [Diagnostic]) {
        var report = Report(file: path)
        return (ManifestFile.text(Data(bytes), report: &report), report.sorted)
    }

    /// The folder that `sources` of a manifest starts from: the nearest one at or above it with a Package.swift.
    public static func sourceBase(of manifest: String) -> String { ManifestFile.sourceBase(of: manifest) }

    private static let unreadable: [DiagnosticCode] = [
        .fileMissing, .fileUnreadable, .notAFile, .fileTooLarge, .notUTF8,
    ]

    /// The error for a caller that needs a manifest and got faults: `manifestInvalid`, with the first fault in the sentence;
    /// `manifestUnreadable` where there is no text to find faults in.
    /// - Parameter kind: which command lists them all, `dna` or `happ`.
    public static func error(_ path: String, _ diagnostics: [Diagnostic], kind: String = "dna") -> PlasmidError {
        let faults = diagnostics.filter { $0.severity == .error }
        guard let first = faults.first else {
            return PlasmidError(.manifestInvalid, "the manifest \(path) was refused")
        }
        if first.file == path, Self.unreadable.contains(first.code) {
            return PlasmidError(.manifestUnreadable, first.message, hint: first.hint ?? "check the path")
        }
        let count = faults.count == 1 ? "one fault" : "\(faults.count) faults"
        let place = (first.file == path ? "" : first.file + ":") + "\(first.line):\(first.column)"
        return PlasmidError(
            .manifestInvalid,
            "the manifest \(path) has \(count): \(first.message) [\(first.code.rawValue)] at \(place)",
            hint: faults.count == 1 ? first.hint : "plasmid \(kind) check \(path) lists all of them")
    }
}
