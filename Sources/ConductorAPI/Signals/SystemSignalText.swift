import Integrity

/// The frames of trace, consistency and statistics signals, in the shapes of 2019 (reference `holochain-2019.md` §2).
enum SystemSignalText {
    /// - Throws: if a trace's data is no value that JSON can hold.
    static func text(_ signal: SystemSignal) throws(PlasmidError) -> [UInt8] {
        switch signal {
        case .trace(let trace): try text(trace)
        case .consistency(let event): text(event)
        case .statistics(let instances): text(instances)
        }
    }

    private static func text(_ trace: SystemSignal.Trace) throws(PlasmidError) -> [UInt8] {
        let data = try JSONText.json(fromMessagePack: trace.data.packed)
        var writer = JSONWriter()
        writer.raw(#"{"type":"InstanceSignal","signal":{"signal_type":"Trace","action":{"action_type":"#)
        writer.string(trace.actionType)
        writer.raw(#","data":"#)
        writer.raw(data)
        writer.raw(#"},"id":"#)
        writer.string(trace.id)
        writer.raw(#"},"instance_id":"#)
        writer.string(trace.instanceID)
        writer.raw("}")
        return writer.bytes
    }

    private static func text(_ event: SystemSignal.Consistency) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"type":"InstanceSignal","signal":{"signal_type":"Consistency","event":"#)
        writer.string(event.event)
        writer.raw(#","pending":["#)
        for (index, pending) in event.pending.enumerated() {
            writer.raw(index == 0 ? #"{"event":"# : #",{"event":"#)
            writer.string(pending.event)
            writer.raw(#","group":"#)
            writer.string(pending.group)
            writer.raw("}")
        }
        writer.raw(#"]},"instance_id":"#)
        writer.string(event.instanceID)
        writer.raw("}")
        return writer.bytes
    }

    private static func text(_ instances: [SystemSignal.InstanceStatistics]) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"type":"InstanceStats","instance_stats":{"#)
        for (index, instance) in instances.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.string(instance.instanceID)
            let numbers: [(StaticString, UInt64)] = [
                (#":{"number_held_entries":"#, instance.heldEntries),
                (#","number_held_aspects":"#, instance.heldAspects),
                (#","number_pending_validations":"#, instance.pendingValidations),
                (#","number_delayed_validations":"#, instance.delayedValidations),
                (#","number_running_zome_calls":"#, instance.runningCalls),
            ]
            for (key, number) in numbers {
                writer.raw(key)
                writer.integer(number)
            }
            writer.raw(instance.isOffline ? #","offline":true}"# : #","offline":false}"#)
        }
        writer.raw("}}")
        return writer.bytes
    }
}
