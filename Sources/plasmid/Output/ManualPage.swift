import Integrity

/// The manual page, from what the parser knows of every command: nothing stands in two places.
struct ManualPage {
    private let root: MessagePackValue

    /// - Parameter dump: what `plasmid --experimental-dump-help` prints.
    init(dump: String) throws {
        guard let root = try JSONLines.value(dump)["command"] else {
            throw PlasmidError(.internal, "the parser does not tell its commands")
        }
        self.root = root
    }

    /// The page in the language of `man`(7).
    var text: String {
        var lines = [
            ".TH PLASMID 1 \"\" \"\(Self.escaped("plasmid " + Plasmid.version))\" \"User Commands\"",
            ".SH NAME", "plasmid \\- \(Self.escaped(root["abstract"]?.text ?? ""))",
            ".SH SYNOPSIS", ".B plasmid", "\\fIcommand\\fR [\\fIoptions\\fR]",
            ".SH DESCRIPTION",
        ]
        lines += Self.paragraphs(root["discussion"]?.text ?? "")
        lines.append(".SH COMMANDS")
        for command in Self.subcommands(root) { lines += section(command, path: "plasmid") }
        lines += [
            ".SH FILES", ".TP", "\\fI$XDG_DATA_HOME/plasmid\\fR, \\fI~/.local/share/plasmid\\fR",
            "The data folder, where no other is named with \\fB\\-\\-data\\fR: the sealed keys, the journal, the databases "
                + "and the modules of installed apps.",
            ".TP", "\\fIconductor.yaml\\fR",
            "The configuration, in the data folder or named with \\fB\\-\\-config\\fR.",
            ".SH EXIT STATUS",
            "0 success, 1 the thing asked about is wrong, 2 the command line is wrong, 3 the conductor cannot be reached "
                + "or started.",
        ]
        return lines.joined(separator: "\n")
    }

    /// The commands below one, without those that are not shown.
    private static func subcommands(_ command: MessagePackValue) -> [MessagePackValue] {
        (command["subcommands"]?.items ?? []).filter {
            $0["shouldDisplay"] != .bool(false) && $0["commandName"]?.text != "help"
        }
    }

    private func section(_ command: MessagePackValue, path: String) -> [String] {
        let name = "\(path) \(command["commandName"]?.text ?? "")"
        let below = Self.subcommands(command)
        var lines: [String] = []
        let arguments = (command["arguments"]?.items ?? []).filter {
            $0["shouldDisplay"] != .bool(false) && !Self.isCommon($0)
        }
        if below.isEmpty || !arguments.isEmpty {
            lines += [".SS \"\(Self.escaped(name))\"", Self.synopsis(name, arguments), ".PP"]
            lines += Self.paragraphs(command["abstract"]?.text ?? "")
            if let discussion = command["discussion"]?.text { lines += [".PP"] + Self.paragraphs(discussion) }
            for argument in arguments { lines += Self.item(argument) }
        }
        for one in below { lines += section(one, path: name) }
        return lines
    }

    /// Help and version, which every command has.
    private static func isCommon(_ argument: MessagePackValue) -> Bool {
        let names = (argument["names"]?.items ?? []).compactMap { $0["name"]?.text }
        return names.contains("help") || names.contains("version")
    }

    private static func label(_ argument: MessagePackValue) -> String {
        let value = "\\fI\(escaped(argument["valueName"]?.text ?? "value"))\\fR"
        let names = (argument["names"]?.items ?? []).map { name in
            let dashes = name["kind"]?.text == "short" ? "\\-" : "\\-\\-"
            return "\\fB\(dashes)\(escaped(name["name"]?.text ?? ""))\\fR"
        }
        switch argument["kind"]?.text {
        case "positional": return value
        case "flag": return names.joined(separator: ", ")
        default: return names.joined(separator: ", ") + " " + value
        }
    }

    private static func synopsis(_ name: String, _ arguments: [MessagePackValue]) -> String {
        let parts = arguments.map { argument in
            let repeating = argument["isRepeating"] == .bool(true) ? " ..." : ""
            let text = label(argument) + repeating
            return argument["isOptional"] == .bool(true) ? "[\(text)]" : text
        }
        return (["\\fB\(escaped(name))\\fR"] + parts).joined(separator: " ")
    }

    private static func item(_ argument: MessagePackValue) -> [String] {
        var lines = [".TP", label(argument)]
        let words = paragraphs(argument["abstract"]?.text ?? "")
        lines += words.isEmpty ? ["\\&"] : words
        if let more = argument["discussion"]?.text { lines += paragraphs(more) }
        if let usual = argument["defaultValue"]?.text, !usual.isEmpty { lines.append("Default: \(escaped(usual)).") }
        return lines
    }

    /// Lines of text; an empty one begins a paragraph.
    private static func paragraphs(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let words = line.drop { $0 == " " }
            return words.isEmpty ? ".PP" : escaped(String(words))
        }
    }

    /// A text without anything that roff would take for its own.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\"": result += "\\(dq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "…": result += "..."
            default: result.append(character)
            }
        }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }
}
