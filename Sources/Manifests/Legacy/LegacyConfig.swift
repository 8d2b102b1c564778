/// A conductor's configuration of 2019 (`conductor-config.toml`): the parts that have a meaning here.
public struct LegacyConfig: Sendable, Equatable {
    /// One of `[[agents]]`.
    public struct Agent: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// Its name, for people.
        public var name: String
        /// Its address: of 2019 (`HcS…`) or of today (`uhCAk…`).
        public var publicAddress: String
        /// Where its key lay.
        public var keystoreFile: String
        /// Whether its key follows from its name.
        public var isTest: Bool
    }

    /// One of `[[dnas]]`.
    public struct Dna: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// Its file; here a DNA manifest.
        public var file: String
        /// The hash it must have, if the file says one and no `uuid` changes it.
        public var hash: String?
        /// What makes another network of it.
        public var uuid: String?
    }

    /// One of `[[instances]]`.
    public struct Instance: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// The id of its DNA.
        public var dna: String
        /// The id of its agent.
        public var agent: String
        /// `memory`, `file`, `pickle` or `lmdb`.
        public var storage: String
        /// Where it was stored; no two instances may share it.
        public var path: String?
    }

    /// One of `[[interfaces]]`.
    public struct Interface: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// Whether the administrative methods are spoken there.
        public var isAdmin: Bool
        /// Whether the system picks the port.
        public var choosesFreePort: Bool
        /// `websocket` or `http`.
        public var type: String
        /// TCP port.
        public var port: Int
        /// What it shows.
        public var instances: [Mounted]
    }

    /// One of `[[interfaces.instances]]`.
    public struct Mounted: Sendable, Equatable {
        /// The id of the instance.
        public var id: String
        /// The name it is called by, if another.
        public var alias: String?
    }

    /// One of `[[bridges]]`.
    public struct Bridge: Sendable, Equatable {
        /// The instance that calls.
        public var caller: String
        /// The instance that is called.
        public var callee: String
        /// The caller's name for it.
        public var handle: String
    }

    /// One of `[[ui_bundles]]`.
    public struct Bundle: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// The folder of its pages.
        public var folder: String
    }

    /// One of `[[ui_interfaces]]`.
    public struct Pages: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// The id of the bundle.
        public var bundle: String
        /// TCP port.
        public var port: Int
        /// The interface that its pages talk to.
        public var interface: String?
    }

    /// `persistence_dir`: where 2019 kept everything. Not used: the data folder is the running conductor's.
    public var folder: String?
    /// In file order, as everything here.
    public var agents: [Agent] = []
    /// The DNAs.
    public var dnas: [Dna] = []
    /// The instances.
    public var instances: [Instance] = []
    /// The interfaces.
    public var interfaces: [Interface] = []
    /// The bridges.
    public var bridges: [Bridge] = []
    /// The folders of pages.
    public var bundles: [Bundle] = []
    /// The ports that serve them.
    public var pages: [Pages] = []
    /// `signals.trace` and `signals.consistency`; nil where the section is missing.
    public var signals: Signals?

    /// `[signals]`.
    public struct Signals: Sendable, Equatable {
        /// Whether every action is told to operators.
        public var trace: Bool
        /// Whether what waits for what is told to operators.
        public var consistency: Bool
    }
}

extension LegacyConfig {
    /// The configuration as TOML of 2019; reading it gives the same value.
    public var text: String {
        var out = TomlText()
        if let folder { out.pair("persistence_dir", folder) }
        if agents.isEmpty { out.raw("agents = []\n") }
        for agent in agents {
            out.header("[agents]")
            out.pair("id", agent.id)
            out.pair("name", agent.name)
            out.pair("public_address", agent.publicAddress)
            out.pair("keystore_file", agent.keystoreFile)
            if agent.isTest { out.pair("test_agent", true) }
        }
        for dna in dnas {
            out.header("[dnas]")
            out.pair("id", dna.id)
            out.pair("file", dna.file)
            if let hash = dna.hash { out.pair("hash", hash) }
            if let uuid = dna.uuid { out.pair("uuid", uuid) }
        }
        for instance in instances {
            out.header("[instances]")
            out.pair("id", instance.id)
            out.pair("dna", instance.dna)
            out.pair("agent", instance.agent)
            out.header("instances.storage")
            out.pair("type", instance.storage)
            if let path = instance.path { out.pair("path", path) }
        }
        writeInterfaces(&out)
        for bridge in bridges {
            out.header("[bridges]")
            out.pair("caller_id", bridge.caller)
            out.pair("callee_id", bridge.callee)
            out.pair("handle", bridge.handle)
        }
        writePages(&out)
        if let signals {
            out.header("signals")
            out.pair("trace", signals.trace)
            out.pair("consistency", signals.consistency)
        }
        return out.text
    }

    private func writeInterfaces(_ out: inout TomlText) {
        for interface in interfaces {
            out.header("[interfaces]")
            out.pair("id", interface.id)
            out.pair("admin", interface.isAdmin)
            if interface.choosesFreePort { out.pair("choose_free_port", true) }
            out.header("interfaces.driver")
            out.pair("type", interface.type)
            out.pair("port", interface.port)
            for mounted in interface.instances {
                out.header("[interfaces.instances]")
                out.pair("id", mounted.id)
                if let alias = mounted.alias { out.pair("alias", alias) }
            }
        }
    }

    private func writePages(_ out: inout TomlText) {
        for bundle in bundles {
            out.header("[ui_bundles]")
            out.pair("id", bundle.id)
            out.pair("root_dir", bundle.folder)
        }
        for page in pages {
            out.header("[ui_interfaces]")
            out.pair("id", page.id)
            out.pair("bundle", page.bundle)
            out.pair("port", page.port)
            if let interface = page.interface { out.pair("dna_interface", interface) }
        }
    }
}

/// TOML as it is written.
private struct TomlText {
    private(set) var text = ""

    mutating func raw(_ line: String) { text += line }

    mutating func header(_ name: String) { text += "\n[\(name)]\n" }

    mutating func pair(_ key: String, _ value: Bool) { text += "\(key) = \(value)\n" }

    mutating func pair(_ key: String, _ value: Int) { text += "\(key) = \(value)\n" }

    /// JSON's escapes are TOML's.
    mutating func pair(_ key: String, _ value: String) { text += "\(key) = \(JSONLine.quoted(value))\n" }
}
