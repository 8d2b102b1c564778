import Glibc
import Integrity
import NIOCore
import Storage

/// `admin/ui/*` and `admin/ui_interface/*`: folders of pages, and ports that serve them.
extension Conductor {
    func installBundle(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let (id, folder) = (try params.text("id"), try params.text("root_dir"))
        inTurn(reply) { [self] done in
            try checkNewID(id, kind: "UI bundle", isTaken: register.bundles[id] != nil)
            let bundle = RegisteredBundle(id: id, folder: try Self.wholePath(folder))
            commit([bundle.put], done) { [self] in
                register.bundles[id] = bundle
                return .success
            }
        }
    }

    /// The folder without symbolic links on the way to it, so that what is served does not change with a link.
    private static func wholePath(_ folder: String) throws(PlasmidError) -> String {
        var status = stat()
        guard let resolved = realpath(folder, nil) else { throw noFolder(folder) }
        defer { free(resolved) }
        let path = String(cString: resolved)
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, path != "/" else { throw noFolder(folder) }
        return path
    }

    private static func noFolder(_ folder: String) -> PlasmidError {
        PlasmidError(
            .fileFailed, "`root_dir` \(folder) is no folder that could be served",
            hint: "give the path of a folder, as the conductor's process sees it")
    }

    func bundleList() -> MessagePackValue {
        .array(
            register.bundles.values.sorted { $0.id < $1.id }.map {
                .object(["id": .string($0.id), "root_dir": .string($0.folder), "hash": .null])
            })
    }

    /// Forgets a bundle and the ports that serve it; the folder is left as it is.
    func uninstallBundle(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            guard register.bundles[id] != nil else {
                throw PlasmidError(
                    .unknownID, "No UI bundles match the given ID `\(id)`: it does not exist",
                    hint: "`admin/ui/list` shows them")
            }
            let users = register.pages.values.filter { $0.bundle == id }.map(\.id)
            commit([RegisteredBundle.delete(id)] + users.map { RegisteredPages.delete($0) }, done) { [self] in
                register.bundles[id] = nil
                for pages in users {
                    register.pages[pages] = nil
                    closePages(pages)
                }
                return .success
            }
        }
    }

    func addPages(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let pages = RegisteredPages(
            id: try params.text("id"), bundle: try params.text("bundle"), port: params.count("port") ?? 0,
            interface: params.optionalText("dna_interface"))
        inTurn(reply) { [self] done in
            try checkNewID(pages.id, kind: "UI interface", isTaken: register.pages[pages.id] != nil)
            guard register.bundles[pages.bundle] != nil else {
                throw Self.unknown("UI bundle", pages.bundle, known: Array(register.bundles.keys))
            }
            if let interface = pages.interface { _ = try registered(interface: interface) }
            open(pages) { [self] result in
                switch result {
                case .failure(let error): done(.failure(error))
                case .success(let port): save(pages, port: port, done)
                }
            }
        }
    }

    private func save(_ pages: RegisteredPages, port: Int, _ done: @escaping AdminReply) {
        store.write([pages.put]) { [self] result in
            switch result {
            case .failure(let error):
                closePages(pages.id)
                done(.failure(error))
            case .success:
                register.pages[pages.id] = pages
                done(.success(.object(["success": .bool(true), "port": .number(port)])))
            }
        }
    }

    func open(_ pages: RegisteredPages, _ done: @escaping (Result<Int, PlasmidError>) -> Void) {
        guard let interfaceHost, let bundle = register.bundles[pages.bundle] else {
            return done(.failure(Self.nobodyListens))
        }
        let setup = PagesSetup(id: pages.id, folder: bundle.folder, port: pages.port, interface: pages.interface)
        interfaceHost.open(setup) { [self] result in
            if case .success(let port) = result {
                register.openPorts["pages \(pages.id)"] = port
                register.faults["pages \(pages.id)"] = nil
            }
            done(result)
        }
    }

    private func closePages(_ id: String) {
        register.openPorts["pages \(id)"] = nil
        register.faults["pages \(id)"] = nil
        interfaceHost?.close(pages: id)
    }

    private func registered(pages id: String, _ words: String) throws(PlasmidError) -> RegisteredPages {
        guard let pages = register.pages[id] else {
            throw PlasmidError(
                .unknownID, "\(words): UI interface `\(id)` does not exist",
                hint: "`admin/ui_interface/list` shows them")
        }
        return pages
    }

    func removePages(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            _ = try registered(pages: id, "Could not remove server")
            commit([RegisteredPages.delete(id)], done) { [self] in
                register.pages[id] = nil
                closePages(id)
                return .success
            }
        }
    }

    /// Starts a server that was stopped, or whose port was taken when the conductor started.
    func startPages(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            let pages = try registered(pages: id, "Could not start server")
            guard register.openPorts["pages \(id)"] == nil else {
                throw PlasmidError(.alreadyActive, "UI interface `\(id)` is already active")
            }
            open(pages) { result in done(result.map { _ in .success }) }
        }
    }

    /// Stops a server until it is started again, or the conductor is.
    func stopPages(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            _ = try registered(pages: id, "Could not stop server")
            guard register.openPorts["pages \(id)"] != nil else {
                throw PlasmidError(.notActive, "UI interface `\(id)` is already stopped")
            }
            closePages(id)
            done(.success(.success))
        }
    }

    func pagesList() -> MessagePackValue {
        .array(
            register.pages.values.sorted { $0.id < $1.id }.map { pages in
                .object([
                    "id": .string(pages.id), "bundle": .string(pages.bundle),
                    "port": .number(register.openPorts["pages \(pages.id)"] ?? pages.port),
                    "dna_interface": pages.interface.map { .string($0) } ?? .null, "reroute_to_root": .bool(true),
                    "bind_address": .string("127.0.0.1"),
                    "running": .bool(register.openPorts["pages \(pages.id)"] != nil),
                ])
            })
    }

    /// What `GET /_dna_connections.json` of 2019 says: which interface the pages talk to. No token: that came with the page.
    public func connections(ofPages id: String) -> MessagePackValue {
        loop.assertInEventLoop()
        let interface = register.pages[id]?.interface.flatMap { register.interfaces[$0] }
        return .object(["dna_interface": interface.map(interfaceInfo) ?? .null])
    }
}
