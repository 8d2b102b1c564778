import Foundation
import Integrity

/// Where the build put programs and modules, and where the sources stand.
enum Places {
    /// The folder of the test bundle: the modules and `plasmid-zome-host` lie beside it.
    static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    static let zomeHost = products + "/plasmid-zome-host"

    /// The root of the package. Symbolic links are followed, since a digest of sources refuses them.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let messenger = root + "/dna/messenger/happ.yaml"
    static let agreement = root + "/dna/agreement/happ.yaml"
    static let notes = root + "/dna/notes/happ.yaml"
    static let messengerDna = root + "/dna/messenger/dna.yaml"
    static let ghostwriter = root + "/dna/ghostwriter/happ.yaml"
    static let hostile = root + "/Tests/Modules/happ.yaml"
    static let failingInit = root + "/Tests/Modules/manifests/failing-init.happ.yaml"
    static let gate = root + "/Tests/Modules/manifests/gate.happ.yaml"
    static let gateLater = root + "/Tests/Modules/manifests/gate-later.happ.yaml"
    static let house = root + "/Tests/Modules/manifests/house.happ.yaml"
    static let workshopDna = root + "/Tests/Modules/manifests/workshop.dna.yaml"
    static let hostileDna = root + "/Tests/Modules/dna.yaml"
    static let workshop = root + "/Tests/Modules/manifests/workshop.happ.yaml"
}

/// A temporary folder that goes with its last reference.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("plasmid-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The names of everything below a folder of it, sorted, without what changes at every start.
    func listing(_ below: String = "") -> [String] {
        let names = FileManager.default.enumerator(atPath: path + "/" + below)?.compactMap { $0 as? String } ?? []
        return names.filter { !["admin.token", "ports.json", "lock"].contains($0) }.sorted()
    }

    /// Whether the bytes of a text stand anywhere in a file.
    func file(_ name: String, holds text: String) -> Bool {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) else { return false }
        return data.range(of: Data(text.utf8)) != nil
    }

    func write(_ text: String, to name: String) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Changes the bytes of a file.
    func damage(_ name: String, _ change: (inout Data) -> Void) throws {
        let url = URL(fileURLWithPath: path + "/" + name)
        var data = try Data(contentsOf: url)
        change(&data)
        try data.write(to: url)
    }
}
