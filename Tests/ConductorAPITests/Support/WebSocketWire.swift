import Foundation
import NIOCore
import Testing

/// One frame from the service, as it stood.
struct ServerFrame: Sendable, Equatable {
    var opcode: UInt8
    var payload: [UInt8]

    var text: String { String(decoding: payload, as: UTF8.self) }

    var closeCode: Int? {
        opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
    }

    /// Reads one whole frame and how many bytes it took.
    static func read(_ bytes: [UInt8]) -> (ServerFrame, Int)? {
        guard bytes.count >= 2 else { return nil }
        let short = Int(bytes[1] & 0x7F)
        let extra = short == 126 ? 2 : short == 127 ? 8 : 0
        guard bytes.count >= 2 + extra else { return nil }
        let length = extra == 0 ? short : bytes[2..<(2 + extra)].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 2 + extra + length else { return nil }
        let payload = Array(bytes[(2 + extra)..<(2 + extra + length)])
        return (ServerFrame(opcode: bytes[0] & 0x0F, payload: payload), 2 + extra + length)
    }
}

/// A client's frame, right or wrong.
func clientFrame(
    _ opcode: UInt8, _ payload: [UInt8], fin: Bool = true, rsv: UInt8 = 0, masked: Bool = true,
    mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
) -> [UInt8] {
    var frame: [UInt8] = [(fin ? 0x80 : 0) | rsv << 4 | opcode]
    let flag: UInt8 = masked ? 0x80 : 0
    switch payload.count {
    case ...125: frame.append(flag | UInt8(payload.count))
    case ...65_535:
        frame += [flag | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default:
        frame.append(flag | 127)
        for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(payload.count >> shift & 255)) }
    }
    if masked {
        frame += mask
        for (index, byte) in payload.enumerated() { frame.append(byte ^ mask[index & 3]) }
    } else {
        frame += payload
    }
    return frame
}

func textFrame(_ text: String) -> [UInt8] { clientFrame(1, Array(text.utf8)) }

extension Wire {
    static func upgradeRequest(_ port: Int, token: String?, more: String = "", host: String? = nil) -> String {
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return "GET / HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\nUpgrade: websocket\r\n"
            + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + authorization + more + "\r\n"
    }

    /// Opens a WebSocket by hand.
    static func socket(
        _ port: Int, token: String?, on group: any EventLoopGroup, receiveBuffer: Int? = nil
    ) async throws -> Wire {
        let wire = try await Wire.connect(port, on: group, receiveBuffer: receiveBuffer)
        wire.send(upgradeRequest(port, token: token))
        let head = try await wire.head()
        #expect(head.hasPrefix("HTTP/1.1 101"), "\(head)")
        #expect(head.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "\(head)")
        return wire
    }

    /// The head of an HTTP answer.
    func head() async throws -> String {
        try await next { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { return nil }
            let head = String(text[..<end.lowerBound])
            return (head, head.utf8.count + 4)
        }
    }

    func frame() async throws -> ServerFrame { try await next { ServerFrame.read($0) } }

    /// Sends a request and returns the next text frame.
    func ask(_ json: String) async throws -> String {
        send(textFrame(json))
        return try await frame().text
    }

    /// Whether a valid request is still answered.
    func isUsable() async throws -> Bool {
        try await ask(#"{"jsonrpc":"2.0","id":"alive?","method":"info/instances"}"#).contains(#""id":"alive?"}"#)
    }
}

/// One whole HTTP answer: status and body.
struct HTTPReply: Sendable {
    var status: Int
    var head: String
    var body: String

    static func read(_ bytes: [UInt8]) -> (HTTPReply, Int)? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = String(text[..<end.lowerBound])
        let lines = head.split(separator: "\r\n").map { $0.lowercased() }
        let length = lines.first { $0.hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(16)) } ?? 0
        let start = head.utf8.count + 4
        guard bytes.count >= start + length else { return nil }
        let status = Int(head.split(separator: " ")[1]) ?? 0
        let body = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
        return (HTTPReply(status: status, head: head, body: body), start + length)
    }
}

extension Wire {
    func reply() async throws -> HTTPReply { try await next { HTTPReply.read($0) } }

    static func post(
        _ body: String, _ port: Int, token: String? = "app-token", host: String? = nil, more: String = "",
        type: String = "application/json"
    ) -> String {
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return "POST / HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\nContent-Type: \(type)\r\n" + authorization
            + more + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }
}
