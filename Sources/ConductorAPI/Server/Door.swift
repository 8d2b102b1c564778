/// One interface beside the two that are always there: what `admin/interface/add` of 2019 makes.
public struct InterfaceDoor: Sendable, Hashable {
    /// What is spoken there; never both, as in 2019.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// JSON-RPC over WebSockets, with signals.
        case websocket
        /// JSON-RPC over HTTP POST.
        case http
    }

    /// Its id, unique among interfaces.
    public var id: String
    /// Whether the administrative methods are spoken there too; it then asks for the admin token.
    public var isAdmin: Bool
    /// What is spoken there.
    public var kind: Kind
    /// TCP port; 0 lets the system pick one.
    public var port: Int

    /// An interface from its parts.
    public init(id: String, isAdmin: Bool, kind: Kind, port: Int) {
        self.id = id
        self.isAdmin = isAdmin
        self.kind = kind
        self.port = port
    }
}

/// A folder of static files on a port of its own: what `admin/ui_interface/add` of 2019 makes.
public struct PagesDoor: Sendable, Hashable {
    /// Its id, unique among UI interfaces.
    public var id: String
    /// The folder, as an absolute path.
    public var folder: String
    /// TCP port; 0 lets the system pick one.
    public var port: Int
    /// Whether what is not there is answered with the folder's `index.html`, for apps that route in the page.
    public var reroutesToRoot: Bool
    /// The interface that its pages talk to, if any.
    public var interface: String?

    /// A UI interface from its parts.
    public init(id: String, folder: String, port: Int, reroutesToRoot: Bool, interface: String?) {
        self.id = id
        self.folder = folder
        self.port = port
        self.reroutesToRoot = reroutesToRoot
        self.interface = interface
    }
}

/// Where a connection came in.
enum Door: Sendable, Hashable {
    case admin
    case app
    case interface(InterfaceDoor)
    case pages(PagesDoor)

    /// Connections are counted, and doors closed, by this name.
    var name: String {
        switch self {
        case .admin: "admin"
        case .app: "app"
        case .interface(let door): "interface \(door.id)"
        case .pages(let door): "pages \(door.id)"
        }
    }
}
