/// Every signature of an agent key is made in one place and over a domain of one list.
enum Signing {
    /// The only file that may spell a signing domain.
    static let list = "Sources/Integrity/Signing/SigningDomain.swift"
    /// The only targets that may touch the signing primitive. Transport signs with the network's own identities, which are no
    /// agent keys, and over prefixes that libp2p fixes. Simulator's agents have keys made from a seed, and no keystore could
    /// give the same ones at each run.
    static let signers: Set<String> = ["Sodium", "Keystore", "Simulator", "Transport"]

    static func check(_ file: RepositoryFile) -> [Finding] {
        guard let target = file.target else { return [] }
        var findings: [Finding] = []
        for (index, line) in file.uncommentedLines.enumerated() {
            if spellsDomain(line), !file.path.hasSuffix("/SigningDomain.swift") {
                findings.append(
                    Finding(
                        path: file.path, line: index + 1,
                        message: "a signing domain outside SigningDomain.swift: add a case to that list and use it"))
            }
            let signs = line.contains("Ed25519.sign(") || BannedText.contains(line, "SecretKey(")
            if signs, !signers.contains(target) {
                findings.append(
                    Finding(
                        path: file.path, line: index + 1,
                        message: "\(target) signs by itself: ask the Keystore, which knows the domains"))
            }
        }
        return findings
    }

    /// A literal such as `"plasmid:call:v1"`.
    private static func spellsDomain(_ line: Substring) -> Bool {
        var rest = line
        while let range = rest.range(ofText: "\"plasmid:") {
            let literal = rest[range.upperBound...].prefix { $0 != "\"" }
            if literal.contains(":v") { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
