import Foundation
import Testing

@testable import plasmid

@Suite("plasmid new", .timeLimit(.minutes(15)))
struct NewTests {
    @Test(
        "a new app's manifests are valid, its files are where they belong, and nothing is written over",
        arguments: ["dna", "happ"])
    func manifests(_ kind: String) async throws {
        try await Spoken.alone { folder in
            let made = try Spoken([Spoken.plasmid, "new", kind, "guest-book"], in: folder)
            #expect(made.end() == 0, "\(made.words)")
            let package = folder + "/guest-book"
            let check = try Spoken([Spoken.plasmid, "happ", "check", package], in: folder)
            #expect(check.end() == 0 && check.words.contains("guest_book"), "\(check.words)")
            #expect(
                FileManager.default.fileExists(
                    atPath: package + (kind == "dna" ? "/dna.yaml" : "/dna/guest_book/dna.yaml")))
            #expect(FileManager.default.isExecutableFile(atPath: package + "/ci"))
            // The one dependency is a folder, so that there is nothing to fetch.
            let manifest = try String(contentsOfFile: package + "/Package.swift", encoding: .utf8)
            #expect(manifest.contains(#".package(path: plasmid + "/hdk")"#) && !manifest.contains("url:"))
            // An entry of the PATH holds wherever one goes only if it begins at the root.
            let readme = try String(contentsOfFile: package + "/README.md", encoding: .utf8)
            #expect(readme.contains(#"" && pwd)/.build/debug:$PATH""#))
            for file in try FileManager.default.subpathsOfDirectory(atPath: package) {
                let text = (try? String(contentsOfFile: package + "/" + file, encoding: .utf8)) ?? ""
                #expect(!text.contains("<NAME>") && !text.contains("<CAMEL>") && !text.contains("<PLASMID>"), "\(file)")
            }
            let again = try Spoken([Spoken.plasmid, "new", kind, "guest-book"], in: folder)
            #expect(again.end() == 1 && again.words.contains("error[folderExists]"), "\(again.words)")
        }
    }

    @Test(
        "what cannot be a name is told, and nothing is made",
        arguments: [
            "", "Upper", "a b", "../up", "a--b", "-a", "a-", "1a", "hdk", "ä", String(repeating: "a", count: 41),
        ])
    func names(_ name: String) async throws {
        try await Spoken.alone { folder in
            let made = try Spoken([Spoken.plasmid, "new", "dna", "--", name], in: folder)
            #expect(made.end() == 2, "\(made.words)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test(
        "with an address, the checkout is cloned into the package, which then needs no other",
        .enabled(if: FileManager.default.fileExists(atPath: Spoken.root + "/.git"), "this is no clone of git"))
    func cloned() async throws {
        try await Spoken.alone { folder in
            let made = try Spoken(
                [Spoken.plasmid, "new", "dna", "far", "--plasmid", "file://\(Spoken.root)"], in: folder)
            #expect(made.end() == 0, "\(made.words)")
            #expect(FileManager.default.fileExists(atPath: folder + "/far/.plasmid/hdk/Package.swift"))
            let manifest = try String(contentsOfFile: folder + "/far/Package.swift", encoding: .utf8)
            #expect(manifest.contains(#"?? ".plasmid""#))
            let none = try Spoken([Spoken.plasmid, "new", "dna", "no", "--plasmid", "file://\(folder)/no"], in: folder)
            #expect(none.end() == 1 && none.words.contains("error[cloneFailed]"), "\(none.words)")
        }
    }

    @Test("where no plasmid is on the PATH, its tests would not find one")
    func onPath() {
        #expect(NewOptions.isOnPath(["PATH": "nowhere:\(Spoken.products)"]))
        #expect(!NewOptions.isOnPath(["PATH": "nowhere"]) && !NewOptions.isOnPath([:]))
        #expect(NewOptions.isOnPath(["PLASMID": "elsewhere/plasmid"]))
    }

    @Test("paths of the checkout are as seen from the package")
    func relative() {
        #expect(NewOptions.relative("/a/b/plasmid", from: "/a/b/street") == "../plasmid")
        #expect(NewOptions.relative("/a/plasmid", from: "/a/b/c/street") == "../../../plasmid")
        #expect(NewOptions.relative("/x", from: "/a") == "/x")
        #expect(NewOptions.relative("/a/b", from: "/a/b") == ".")
    }

    @Test("the tutorials hold word by word: a package of its own builds, passes its test, runs, and fetches nothing")
    func tutorials() async throws {
        try await Spoken.alone { folder in
            let pages = ["docs/tutorials/first-module.md", "docs/tutorials/sharing.md"]
            let script = try Spoken(
                [Spoken.root + "/scripts/tutorial.sh"] + pages, in: folder, environment: ["TMPDIR": folder],
                seconds: 840)
            #expect(script.end() == 0, "\(script.words.suffix(6_000))")
            #expect(script.words.contains("the tutorial holds"))
        }
    }
}
