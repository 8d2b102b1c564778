import ArgumentParser
import Integrity
import Manifests

/// A word that stands where a command's name belongs and is none. The parser knows such a word only as an argument too many.
enum UnknownCommand {
    /// Commands that are planned, and why they are not there: whoever read of one is not told that it was mistyped.
    private static let later: [String: String] = [
        "plasmid sim mix": "it belongs to private messages, which this version does not have yet",
        "plasmid keys rotate": "keys cannot be replaced in this version",
        "plasmid keys export":
            "the sealed file `keystore` in the data folder can be copied as it is, or with 'plasmid db "
            + "backup'; its passphrase opens the copy",
    ]

    /// What to say about it; nil where every such word names a command.
    static func find(in arguments: [String]) -> PlasmidError? {
        var command: any ParsableCommand.Type = Plasmid.self
        var path = "plasmid"
        for word in arguments {
            let below =
                command.configuration.ungroupedSubcommands
                + command.configuration.groupedSubcommands.flatMap { $0.subcommands }
            guard !below.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            if let next = below.first(where: { $0.configuration.commandName == word }) {
                command = next
                path += " " + word
                continue
            }
            let names = below.filter { $0.configuration.shouldDisplay }.compactMap { $0.configuration.commandName }
            if let reason = later["\(path) \(word)"] {
                return PlasmidError(.notSupported, "'\(path) \(word)' is not in this version", hint: reason)
            }
            let near = Spelling.nearest(to: word, among: names)
            // Where a command stands for itself, the word may be meant as its argument.
            if near == nil, command.configuration.defaultSubcommand != nil { return nil }
            return PlasmidError(
                .usage, "there is no command '\(Words.harmless(path)) \(Words.harmless(word))'",
                hint: near.map { "did you mean '\($0)'?" } ?? "it has \(names.joined(separator: ", "))")
        }
        return nil
    }
}
