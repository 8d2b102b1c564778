import ArgumentParser

/// `plasmid admin …`: what an operator does with a running conductor.
struct Admin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Install, inspect and look after the apps of a running conductor.",
        groupedSubcommands: [
            CommandGroup(
                name: "App",
                subcommands: [
                    AdminApps.self, AdminInstall.self, AdminEnable.self, AdminDisable.self, AdminUninstall.self,
                    AdminClone.self, AdminProvideMemproofs.self, AdminToken.self,
                ]),
            CommandGroup(
                name: "Chain",
                subcommands: [
                    AdminAgents.self, AdminChain.self, AdminDump.self, AdminRestoreChain.self, AdminRestored.self,
                ]),
            CommandGroup(
                name: "Network", subcommands: [AdminSpaces.self, AdminPeers.self, AdminSync.self, AdminOps.self]),
            CommandGroup(name: "Conductor", subcommands: [AdminStats.self, AdminConfig.self]),
            CommandGroup(
                name: "Capability",
                subcommands: [AdminGrants.self, AdminGrant.self, AdminRegrant.self, AdminRevoke.self]),
        ])
}
