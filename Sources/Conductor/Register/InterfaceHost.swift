import Integrity

/// An interface beside the two fixed ports, as the service that listens is told of it.
public struct InterfaceSetup: Sendable, Hashable {
    /// What is spoken there.
    public enum Kind: String, Sendable, Hashable {
        /// JSON-RPC over WebSockets.
        case websocket
        /// JSON-RPC over HTTP POST.
        case http
    }

    /// Its id.
    public var id: String
    /// Whether administrative methods are spoken there too.
    public var isAdmin: Bool
    /// What is spoken there.
    public var kind: Kind
    /// TCP port; 0 lets the system pick one.
    public var port: Int
}

/// A folder of pages on a port, as the service that listens is told of it.
public struct PagesSetup: Sendable, Hashable {
    /// Its id.
    public var id: String
    /// Absolute path of the folder.
    public var folder: String
    /// TCP port; 0 lets the system pick one.
    public var port: Int
    /// The interface that its pages talk to, if any.
    public var interface: String?
}

/// Who listens for the conductor: it opens and closes what the register says. On the conductor loop, like everything here.
public protocol InterfaceHost: AnyObject {
    /// Begins to listen; `done` has the actual port, or `addressInUse` or `startFailed`.
    func open(_ interface: InterfaceSetup, done: @escaping (Result<Int, PlasmidError>) -> Void)
    /// Begins to serve a folder; `done` as for an interface.
    func open(_ pages: PagesSetup, done: @escaping (Result<Int, PlasmidError>) -> Void)
    /// Ends an interface and its connections.
    func close(interface id: String)
    /// Ends the serving of a folder.
    func close(pages id: String)
}
