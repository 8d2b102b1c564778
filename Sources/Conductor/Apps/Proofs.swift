import Integrity

/// Chains that are begun later than their app is installed: with membrane proofs that come afterwards, or when the app is
/// first enabled.
extension Conductor {
    /// Begins the chains that are due: none while proofs are awaited, those of deferred roles only when the app is enabled.
    func beginChains(of app: InstalledApp, _ done: @escaping (Result<InstalledApp, PlasmidError>) -> Void) {
        let due = app.roles.filter { !$0.isBegun && !app.awaitsProofs && (app.isEnabled || !$0.isDeferred) }
        writeGenesis(of: app, roles: due[...]) { result in
            var begun = app
            for index in begun.roles.indices where due.contains(where: { $0.name == begun.roles[index].name }) {
                begun.roles[index].isBegun = true
                begun.roles[index].membraneProof = nil
            }
            done(result.map { begun })
        }
    }

    /// Begins what is left of an app that is now enabled, then writes its row.
    func beginLate(
        _ app: InstalledApp, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let alone = try exclusively(app.appID, reply)
        do {
            let done = try exclusively(app.agent.text, alone)
            beginChains(of: app) { [self] result in
                switch result {
                case .failure(let error):
                    closeIdleSpaces()
                    done(.failure(error))
                case .success(let begun):
                    keep(begun) { [self] written in
                        if case .success = written {
                            apps[begun.appID] = begun
                            settle(begun)
                        }
                        done(written.map { appInfo(begun) })
                    }
                }
            }
        } catch {
            alone(.failure(PlasmidError.from(error)))
        }
    }

    /// `admin/app/provide-memproofs`: what an app waits for that was installed without. An empty map says that there is none.
    func provideProofs(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        var app = try app(try params.text("app_id"))
        guard app.awaitsProofs else {
            throw PlasmidError(
                .badParameter, "the app `\(app.appID)` does not wait for membrane proofs",
                hint: "they are given once, to an app whose manifest allows to defer them")
        }
        for (role, proof) in try params.membraneProofs() {
            guard let index = app.roles.firstIndex(where: { $0.name == role }) else {
                throw PlasmidError(
                    .unknownRole, "the app `\(app.appID)` has no role `\(role)` that joins a network",
                    hint: "it has \(app.roles.map(\.name).joined(separator: ", "))")
            }
            app.roles[index].membraneProof = proof
        }
        app.awaitsProofs = false
        try beginLate(app, reply)
    }
}

extension AdminParams {
    /// `membrane_proofs`: base64 texts by role.
    func membraneProofs() throws(PlasmidError) -> [String: [UInt8]] {
        guard let given = value("membrane_proofs"), given != .null else { return [:] }
        guard case .map(let pairs) = given else {
            throw PlasmidError(.badParameter, "`membrane_proofs` is a map from roles to base64 texts")
        }
        var proofs: [String: [UInt8]] = [:]
        for pair in pairs {
            guard case .string(let role) = pair.key, case .string(let text) = pair.value,
                let bytes = Base64.decode(text)
            else {
                throw PlasmidError(.badParameter, "`membrane_proofs` is a map from roles to base64 texts")
            }
            proofs[role] = bytes
        }
        return proofs
    }

    /// `membrane_proof`: one base64 text.
    func membraneProof() throws(PlasmidError) -> [UInt8]? {
        guard let text = optionalText("membrane_proof") else { return nil }
        guard let bytes = Base64.decode(text) else {
            throw PlasmidError(.badParameter, "`membrane_proof` is no base64 text")
        }
        return bytes
    }
}
