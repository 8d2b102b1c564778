// Commits to a data folder, prints what was acknowledged, and dies at a step that its arguments name. The test that
// started it then opens the folder and looks for everything that was printed.
import Glibc
import Integrity
import Storage

let arguments = Array(CommandLine.arguments.dropFirst())
exit(BackupKiller.run(arguments) ?? Killer.run(arguments))
