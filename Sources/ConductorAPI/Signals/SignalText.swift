import Integrity

/// The frames that carry the signals of zomes: raw JSON without `jsonrpc`, as in 2019.
enum SignalText {
    /// - Throws: if the signal's arguments are no MessagePack value that JSON can hold.
    static func signal(_ signal: InstanceSignal, boot: String) throws(PlasmidError) -> [UInt8] {
        let arguments = try JSONText.json(fromMessagePack: signal.arguments)
        var writer = JSONWriter()
        // Of another type where another agent sent it, so that no client takes it for its own zome's.
        if let from = signal.from {
            writer.raw(#"{"type":"InstanceSignal","signal":{"signal_type":"Remote","from":"#)
            writer.string(from)
            writer.raw(#","name":"#)
        } else {
            writer.raw(#"{"type":"InstanceSignal","signal":{"signal_type":"User","name":"#)
        }
        writer.string(signal.name)
        // Text that holds JSON: clients of 2019 parse it twice.
        writer.raw(#","arguments":""#)
        writer.escaped(arguments)
        writer.raw(#""},"instance_id":"#)
        writer.string(signal.instanceID)
        writer.raw(#","zome":"#)
        writer.string(signal.zome)
        writer.raw(#","boot":"#)
        writer.string(boot)
        writer.raw(#","seq":"#)
        writer.integer(signal.sequence)
        writer.raw("}")
        return writer.bytes
    }

    /// Told to a client that read too slowly, in the place of what it missed.
    static func missed(_ count: UInt64) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"type":"SignalsMissed","missed":"#)
        writer.integer(count)
        writer.raw("}")
        return writer.bytes
    }
}
