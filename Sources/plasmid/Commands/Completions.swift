import ArgumentParser

/// `plasmid completions SHELL`
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print what makes a shell complete this program's commands and options.",
        discussion: """
            bash: plasmid completions bash > ~/.local/share/bash-completion/completions/plasmid
            zsh: plasmid completions zsh > a folder of $fpath, as _plasmid
            fish: plasmid completions fish > ~/.config/fish/completions/plasmid.fish
            """)

    /// The shells that the parser can write for.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        /// What the shell reads.
        var script: String {
            switch self {
            case .bash: Self.withPlainWords(Plasmid.completionScript(for: .bash))
            case .zsh: Plasmid.completionScript(for: .zsh)
            case .fish: Plasmid.completionScript(for: .fish)
            }
        }

        /// The parser's script has bash take every offer for a file: the command `dna` became `dna/` where a folder of that
        /// name lies. With this only what is offered as a file is one.
        private static func withPlainWords(_ script: String) -> String {
            script.replacing("complete -o filenames -F ", with: "complete -F ").replacing(
                "__plasmid_add_completions() {\n",
                with: """
                    __plasmid_add_completions() {
                        [[ " ${*}" == *' -W'* ]] || compopt -o filenames 2>/dev/null

                    """)
        }
    }

    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    func run() throws { Output.line(shell.script) }
}

/// `plasmid man`
struct Man: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man", abstract: "Print the manual page of all commands, in the form that man reads.",
        discussion: "To read it at once: plasmid man | man -l -")

    func run() throws { Output.line(try Man.page()) }

    static func page() throws -> String { try ManualPage(dump: Plasmid._dumpHelp()).text }
}
