import ArgumentParser

/// `plasmid admin …`: what an operator does with a running conductor.
struct Admin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Install, inspect and look after the apps of a running conductor.",
        groupedSubcommands: [
            CommandGroup(
                name: "Apps:",
                subcommands: [
                    AdminApps.self, AdminInstall.self, AdminEnable.self, AdminDisable.self, AdminUninstall.self,
                    AdminToken.self,
                ]),
            CommandGroup(
                name: "People and what they did:",
                subcommands: [AdminAgents.self, AdminChain.self, AdminDump.self]),
            CommandGroup(
                name: "Who may call what:",
                subcommands: [AdminGrants.self, AdminGrant.self, AdminRevoke.self]),
        ])
}
