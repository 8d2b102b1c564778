import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("pages that the conductor serves", .timeLimit(.minutes(5)))
struct PagesTests {
    /// A folder of pages beside a secret, and links that lead there.
    private static func site() throws -> TestFolder {
        let folder = try TestFolder()
        let files = FileManager.default
        try files.createDirectory(atPath: folder.path + "/site/js", withIntermediateDirectories: true)
        _ = try folder.write("<h1>root</h1>", to: "site/index.html")
        _ = try folder.write("export const a = 1", to: "site/js/app.mjs")
        _ = try folder.write(String(repeating: "x", count: 300_000), to: "site/large.txt")
        _ = try folder.write("hidden", to: "site/.env")
        _ = try folder.write("secret", to: "secret.txt")
        try files.createSymbolicLink(
            atPath: folder.path + "/site/link.txt", withDestinationPath: folder.path + "/secret.txt")
        try files.createSymbolicLink(atPath: folder.path + "/site/up", withDestinationPath: folder.path)
        return folder
    }

    private static func get(
        _ port: Int, _ path: String, method: String = "GET", headers: [String] = []
    ) async throws -> (status: Int, body: String, head: String) {
        try await RawHTTP.send(method, path: path, port: port, token: nil, body: "", type: nil, headers: headers)
    }

    private static func serve(_ conductor: TestConductor, _ folder: TestFolder, interface: String?) async throws -> Int
    {
        _ = try await conductor.admin(
            "admin/ui/install", #"{"id":"site","root_dir":\#(quoted(folder.path + "/site"))}"#)
        let more = interface.map { #","dna_interface":"\#($0)""# } ?? ""
        let made = try await conductor.admin(
            "admin/ui_interface/add", #"{"id":"pages","port":0,"bundle":"site"\#(more)}"#)
        return Int(try #require(made["port"]?.number))
    }

    @Test("files come whole with their types; what is not there is the root page; other methods are refused")
    func files() async throws {
        let folder = try Self.site()
        try await TestConductor.with { conductor in
            let port = try await Self.serve(conductor, folder, interface: nil)
            let root = try await Self.get(port, "/")
            #expect(root.status == 200 && root.body == "<h1>root</h1>" && root.head.contains("text/html"))
            #expect(root.head.contains("nosniff"))
            let module = try await Self.get(port, "/js/app.mjs?v=1")
            #expect(module.body == "export const a = 1" && module.head.contains("text/javascript"))
            #expect(try await Self.get(port, "/large.txt").body.utf8.count == 300_000)
            #expect(try await Self.get(port, "/some/view").body == "<h1>root</h1>")
            let head = try await Self.get(port, "/large.txt", method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty && head.head.contains("Content-Length: 300000"))
            #expect(try await Self.get(port, "/", method: "POST").status == 405)
            let none = try await Self.get(port, "/_dna_connections.json")
            #expect(try JSONLines.value(none.body) == .map(["dna_interface": .null]))
        }
    }

    @Test("no path, encoding or link leads out of the folder, to hidden files or to another host's page")
    func traversal() async throws {
        let folder = try Self.site()
        try await TestConductor.with { conductor in
            let port = try await Self.serve(conductor, folder, interface: nil)
            for path in [
                "/../secret.txt", "/%2e%2e/secret.txt", "/js/../../secret.txt", "/..%2fsecret.txt", "/link.txt",
                "/up/secret.txt", "/up/site/index.html", "/.env", "/js/%00", "/..\\secret.txt", "/%5c..%5csecret.txt",
                "//etc/passwd", "/etc/passwd", "/js/app.mjs/..", "/" + String(repeating: "a/", count: 50) + "x",
            ] {
                let answer = try await Self.get(port, path)
                #expect(!answer.body.contains("secret") && !answer.body.contains("hidden"), "\(path)")
                #expect(!answer.body.contains("root:"), "\(path)")
                #expect([200, 404, 400].contains(answer.status), "\(path)")
                if answer.status == 200 { #expect(answer.body == "<h1>root</h1>", "\(path)") }
            }
            #expect(try await Self.get(port, "/", headers: ["Host: evil.example"]).status == 403)
            #expect(try await Self.get(port, "/", headers: ["Origin: http://evil.example"]).status == 403)
            for bad in ["/", folder.path + "/none", folder.path + "/secret.txt"] {
                let fault = await conductor.fault("admin/ui/install", #"{"id":"b","root_dir":\#(quoted(bad))}"#)
                #expect(fault?.code == "fileFailed", "\(bad)")
            }
        }
    }

    @Test("a page that was opened with a token finds its interface, and a socket with its cookie; others do not")
    func cookie() async throws {
        let folder = try Self.site()
        try await TestConductor.with { conductor in
            try await InterfaceTests.prepare(conductor)
            let web = try await conductor.addInterface("web", type: "http")
            try await conductor.mount("alice", on: "web")
            let port = try await Self.serve(conductor, folder, interface: "web")
            let found = try JSONLines.value(try await Self.get(port, "/_dna_connections.json").body)
            #expect(found["dna_interface"]?["driver"]?["port"]?.number == Int64(web))
            #expect(found["dna_interface"]?["instances"]?.items.first?["id"]?.text == "alice")
            let token = try #require(
                try await conductor.admin("admin/token/issue", #"{"interface_id":"web"}"#)["token"]?.text)
            let opened = try await Self.get(port, "/?token=\(token)")
            #expect(opened.status == 303 && opened.head.contains("Location: /\r\n"))
            let line = try #require(opened.head.split(separator: "\r\n").first { $0.hasPrefix("Set-Cookie: ") })
            #expect(line.contains("HttpOnly") && line.contains("SameSite=Strict"))
            let cookie = "Cookie: " + line.dropFirst(12).prefix { $0 != ";" }
            // Another site cannot plant a cookie, nor lead the browser elsewhere.
            let planted = try await Self.get(port, "/?token=x", headers: ["Sec-Fetch-Site: cross-site"])
            #expect(!planted.head.contains("Set-Cookie"))
            #expect(try await Self.get(port, "//evil.example/?token=x").head.contains("Location: /\r\n"))
            let body = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
            for (headers, status) in [
                ([cookie, "Origin: http://localhost:\(port)"], 200),
                ([cookie, "Origin: http://127.0.0.1:\(port)"], 200),
                ([cookie], 401), (["Origin: http://localhost:\(port)"], 401),
                ([cookie, "Origin: http://localhost:\(port + 1)"], 403),
                ([cookie, "Origin: http://evil.example"], 403),
            ] {
                let answer = try await RawHTTP.send(port: web, token: nil, body: body, headers: headers)
                #expect(answer.status == status, "\(headers)")
            }
        }
    }

    @Test("stopped, started, removed and uninstalled: each takes effect, and twice is an error that says so")
    func lifecycle() async throws {
        let folder = try Self.site()
        try await TestConductor.with { conductor in
            let port = try await Self.serve(conductor, folder, interface: nil)
            let id = #"{"id":"pages"}"#
            #expect(await conductor.fault("admin/ui_interface/start", id)?.code == "alreadyActive")
            _ = try await conductor.admin("admin/ui_interface/stop", id)
            await #expect(throws: (any Error).self) { try await Self.get(port, "/") }
            #expect(await conductor.fault("admin/ui_interface/stop", id)?.message.contains("already stopped") == true)
            _ = try await conductor.admin("admin/ui_interface/start", id)
            let list = try #require(try await conductor.admin("admin/ui_interface/list").items.first)
            #expect(list["bundle"]?.text == "site" && list["reroute_to_root"] == .bool(true))
            #expect(list["bind_address"]?.text == "127.0.0.1" && list["dna_interface"] == .null)
            let now = Int(try #require(list["port"]?.number))
            #expect(try await Self.get(now, "/").status == 200)
            #expect(
                await conductor.fault("admin/ui_interface/add", #"{"id":"p","port":0,"bundle":"none"}"#)?.code
                    == "unknownID")
            _ = try await conductor.admin("admin/ui/uninstall", #"{"id":"site"}"#)
            await #expect(throws: (any Error).self) { try await Self.get(now, "/") }
            #expect(try await conductor.admin("admin/ui_interface/list").items.isEmpty)
            #expect(
                await conductor.fault("admin/ui/uninstall", #"{"id":"site"}"#)?.message.contains("No UI bundles match")
                    == true)
            #expect(
                await conductor.fault("admin/ui_interface/remove", id)?.message.contains("Could not remove server")
                    == true)
            #expect(FileManager.default.fileExists(atPath: folder.path + "/site/index.html"))
        }
    }
}
