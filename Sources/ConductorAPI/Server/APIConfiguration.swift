import Integrity
import NIOCore

/// What the service is told from outside. Every default is what `plasmid run` uses without a file.
public struct APIConfiguration: Sendable {
    /// TCP port of the admin interface; 0 lets the system pick one.
    public var adminPort = 9100
    /// TCP port of the app interface; 0 lets the system pick one.
    public var appPort = 9101
    /// Web origins (`http://localhost:8080`) that may use the admin port from a browser; none by default.
    public var adminOrigins: [String] = []
    /// Web origins that may use the app port from a browser; none by default.
    public var appOrigins: [String] = []
    /// Longest payload of one WebSocket frame, in bytes.
    public var maximumFrameBytes = Limits.webSocketFrameBytes
    /// Longest WebSocket message, in bytes.
    public var maximumMessageBytes = Limits.webSocketMessageBytes
    /// Longest HTTP request body, in bytes.
    public var maximumBodyBytes = Limits.httpBodyBytes
    /// Requests of one socket that may be under way; at the bound the socket is not read until one has ended.
    public var requestsUnderWay = 128
    /// Bytes that may wait for a client that reads too slowly before its signals are counted instead of kept.
    public var signalBacklogBytes = 16 << 20
    /// Signals of the conductor itself that every admin socket gets until it subscribes to something: none by default.
    public var unaskedSignals: Set<SystemSignal.Kind> = []
    /// Connections at a time, for each interface. One more takes the place of the oldest that has not shown a token yet, and
    /// is closed at once where all have.
    public var maximumConnections = 1_024
    /// How long a new connection may take to send its first request head.
    public var headDeadline = TimeAmount.seconds(10)
    /// How long a request's body may take.
    public var bodyDeadline = TimeAmount.seconds(60)
    /// How long an HTTP connection may idle between requests.
    public var idleDeadline = TimeAmount.seconds(75)
    /// How long the peer may take to read a last word before the connection is cut.
    public var closeDeadline = TimeAmount.seconds(2)

    /// The defaults.
    public init() {}

}

/// Where the service listens once it has started.
public struct APIPorts: Sendable, Hashable {
    /// The admin interface's actual TCP port.
    public var admin: Int
    /// The app interface's actual TCP port.
    public var app: Int
    /// The addresses bound, `127.0.0.1` always and `::1` where the machine has it.
    public var addresses: [String]
}
