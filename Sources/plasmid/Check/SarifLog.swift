import ArgumentParser
import Foundation
import Integrity
import Manifests

/// The faults of all files as one SARIF 2.1.0 log, as code hosts and editors take it.
enum SarifLog {
    /// The log.
    /// - Parameter folder: the folder that relative paths start from, absolute.
    static func log(
        _ found: [Diagnosis], isQuiet: Bool = false, folder: String = FileManager.default.currentDirectoryPath
    ) -> MessagePackValue {
        let told = found.flatMap(\.diagnostics).filter { !isQuiet || $0.severity != .note }
        // A DNA that two hApps name is spoken of once.
        var seen: Set<Diagnostic> = []
        let diagnostics = told.filter { seen.insert($0).inserted }
        let codes = Set(diagnostics.map(\.code)).sorted { $0.rawValue < $1.rawValue }
        let places = Dictionary(uniqueKeysWithValues: codes.enumerated().map { ($1, $0) })
        let texts = found.reduce(into: [:]) { $0.merge($1.texts) { first, _ in first } }
        var lines = Lines(standardInput: found.first { $0.text != nil }?.text, texts: texts)
        let driver = MessagePackValue.object([
            "name": .string("plasmid"), "version": .string(version), "rules": .array(codes.map(rule)),
        ])
        let run = MessagePackValue.object([
            "tool": .object(["driver": driver]),
            "invocations": .array([
                .object([
                    "executionSuccessful": .bool(true), "exitCode": .int(found.allSatisfy(\.isValid) ? 0 : 1),
                ])
            ]),
            "originalUriBaseIds": .object(["SRCROOT": .object(["uri": .string(uri(folder + "/", isAbsolute: true))])]),
            "columnKind": .string("unicodeCodePoints"),
            "results": .array(diagnostics.map { result($0, places[$0.code] ?? 0, folder, &lines) }),
        ])
        return .object([
            "$schema": .string("https://json.schemastore.org/sarif-2.1.0.json"), "version": .string("2.1.0"),
            "runs": .array([run]),
        ])
    }

    private static var version: String {
        Plasmid.configuration.version.split(separator: " ").last.map(String.init) ?? "0"
    }

    private static func rule(_ code: DiagnosticCode) -> MessagePackValue {
        let what = code.explanation
        let example = what.example.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        return .object([
            "id": .string(code.rawValue),
            "shortDescription": .object(["text": .string(firstSentence(what.cause))]),
            "fullDescription": .object(["text": .string(what.cause)]),
            "help": .object(["text": .string("\(what.cause)\n\nFor example:\n\n\(example)\n\n\(what.mend)")]),
        ])
    }

    private static func firstSentence(_ text: String) -> String {
        guard let end = text.range(of: ". ") else { return text }
        return String(text[..<end.lowerBound]) + "."
    }

    private static func result(
        _ diagnostic: Diagnostic, _ rule: Int, _ folder: String, _ lines: inout Lines
    ) -> MessagePackValue {
        let text = [diagnostic.message, diagnostic.hint.map { "hint: \($0)" }].compactMap { $0 }.joined(separator: "\n")
        let line = lines.line(diagnostic.line, of: diagnostic.file)
        let length = line.map { TextReport.length(of: $0, from: min(diagnostic.column - 1, $0.count)) }
        let region = MessagePackValue.object([
            "startLine": .int(Int64(diagnostic.line)), "startColumn": .int(Int64(diagnostic.column)),
            "endColumn": length.map { .int(Int64(diagnostic.column + $0)) } ?? .null,
        ])
        // Sources of validators are told with whole paths; code hosts want those of the repository.
        let start = folder.hasSuffix("/") ? folder : folder + "/"
        var path = diagnostic.file.hasPrefix(start) ? String(diagnostic.file.dropFirst(start.count)) : diagnostic.file
        while path.hasPrefix("./") { path.removeFirst(2) }
        let isAbsolute = path.hasPrefix("/")
        let file = MessagePackValue.object([
            "uri": .string(uri(path, isAbsolute: isAbsolute)),
            "uriBaseId": isAbsolute ? .null : .string("SRCROOT"),
        ])
        // Stays the same when lines above are put in or taken out.
        var words = "\(diagnostic.code.rawValue)\n\(diagnostic.message)"
        if let line { words += "\n" + line.map(String.init).joined() }
        let print = EntryHash(hashing: Array(words.utf8)).text
        return .object([
            "ruleId": .string(diagnostic.code.rawValue), "ruleIndex": .int(Int64(rule)),
            "level": .string(diagnostic.severity.rawValue), "message": .object(["text": .string(text)]),
            "locations": .array([
                .object(["physicalLocation": .object(["artifactLocation": file, "region": region])])
            ]),
            "partialFingerprints": .object(["plasmid/v1": .string(print)]),
        ])
    }

    /// A path as a URI: what a URI cannot hold is escaped.
    static func uri(_ path: String, isAbsolute: Bool) -> String {
        var result = isAbsolute ? "file://" : ""
        for byte in path.utf8 {
            let isPlain =
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-._~/".utf8.contains(byte)
            result +=
                isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
        }
        return result
    }
}
