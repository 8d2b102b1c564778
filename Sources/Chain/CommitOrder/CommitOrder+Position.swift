import Integrity

/// Who may write: the position, the queue for it, and the reasons to run a call again.
extension CommitOrder {
    /// Reads see the certain tail only, so that a call that merely read never waits for anyone's validation.
    mutating func reads(_ id: UInt64) {
        guard var call = calls[id], call.phase != .inLine, call.phase != .queued(.rerun) else { return }
        let head = call.head ?? certainTail
        call.head = head
        calls[id] = call
        effects.append(.headFixed(call.run, head: head))
    }

    mutating func writes(_ id: UInt64, _ now: UInt64) {
        guard var call = calls[id] else { return }
        if call.waits > 0 {
            call.wantsWrite = true
            calls[id] = call
            return
        }
        switch call.phase {
        case .holding:
            call.hasWritten = true
            calls[id] = call
            effects.append(.grantPosition(call.run, head: tail))
        case .running:
            if let head = call.head, head != tail {
                // The first time it may build on calls that are still being validated; a second time would be luck.
                runAgain(id, certain: call.run.attempt > 1)
            } else {
                enqueue(id, .firstWrite)
            }
        case .detached:
            if call.head != tail { runAgain(id, certain: true) } else { enqueue(id, .resume, first: true) }
        case .queued, .inLine:
            return
        }
        advance(now)
    }

    /// A wait for the network: whatever the call did is visible outside from now on, so it will not be run again, and
    /// nobody waits for the position behind a peer. Having written nothing it also lets go of its head: what it reads
    /// after the wait is read anew.
    mutating func waits(_ id: UInt64, _ now: UInt64) {
        guard var call = calls[id] else { return }
        switch call.phase {
        case .holding:
            holder = nil
            call.phase = call.hasWritten ? .detached : .running
        case .queued(.firstWrite):
            call.phase = .running
            call.wantsWrite = true
        case .queued(.resume):
            call.phase = .detached
            call.wantsWrite = true
        case .running, .detached:
            break
        case .queued(.append), .queued(.rerun), .inLine:
            return
        }
        call.waits += 1
        call.outsideEffect = true
        if call.phase == .running { call.head = nil }
        calls[id] = call
        advance(now)
    }

    mutating func resumed(_ id: UInt64, _ now: UInt64) {
        guard var call = calls[id], call.waits > 0 else { return }
        call.waits -= 1
        let asks = call.waits == 0 && call.wantsWrite
        if asks { call.wantsWrite = false }
        calls[id] = call
        if asks { writes(id, now) }
    }

    /// Demotes a holder that others have waited for long enough. It runs on; if nobody else writes before it returns,
    /// nothing is lost. A certain run keeps the position: its call's own time limit is what bounds it.
    mutating func tick(_ now: UInt64) {
        dropLeftPlaces()
        guard let id = holder, var call = calls[id], !call.certain, !queue.isEmpty else { return }
        guard now >= heldSince, now - heldSince >= bounds.hold else { return }
        holder = nil
        call.phase = call.hasWritten ? .detached : .running
        calls[id] = call
        advance(now)
    }

    /// Starts the call over, or ends it if something of it is already outside.
    mutating func runAgain(_ id: UInt64, certain: Bool) {
        guard var call = calls[id] else { return }
        if call.outsideEffect || call.certain {
            end(id, .refuse(call.run, .headMoved))
            return
        }
        if holder == id { holder = nil }
        effects.append(.abandon(call.run))
        call = Call(arrival: call.arrival, run: call.run.next)
        call.certain = certain
        calls[id] = call
        // A call that loses its turn to others' faults gets it back before those that have not had one.
        enqueue(id, .rerun, first: certain)
    }

    mutating func enqueue(_ id: UInt64, _ purpose: Purpose, first: Bool = false) {
        tickets += 1
        calls[id]?.phase = .queued(purpose)
        calls[id]?.ticket = tickets
        if first { queue.prepend((id, tickets)) } else { queue.append((id, tickets)) }
    }

    /// Takes from the front the places whose calls ended or stand elsewhere.
    mutating func dropLeftPlaces() {
        while let place = queue.first {
            if let call = calls[place.call], call.ticket == place.ticket, case .queued = call.phase { return }
            queue.removeFirst()
        }
    }

    /// Gives the free position to the first in the queue, as far as the line allows.
    mutating func advance(_ now: UInt64) {
        while holder == nil {
            dropLeftPlaces()
            guard let id = queue.first?.call, var call = calls[id], case .queued(let purpose) = call.phase else {
                return
            }
            switch purpose {
            case .append:
                queue.removeFirst()
                if call.head == tail, let end = call.end { join(id, end) } else { runAgain(id, certain: true) }
                continue
            case .rerun where call.certain:
                guard line.isEmpty else { return }
            case .firstWrite, .resume, .rerun:
                guard line.count < bounds.line else { return }
            }
            queue.removeFirst()
            if purpose != .rerun, let head = call.head, head != tail {
                guard purpose == .firstWrite, call.run.attempt == 1, !call.outsideEffect else {
                    runAgain(id, certain: true)
                    continue
                }
                effects.append(.abandon(call.run))
                call = Call(arrival: call.arrival, run: call.run.next)
            }
            grant(id, &call, now, starts: purpose == .rerun || call.run.attempt != calls[id]?.run.attempt)
        }
    }

    private mutating func grant(_ id: UInt64, _ call: inout Call, _ now: UInt64, starts: Bool) {
        call.phase = .holding
        call.head = tail
        call.seen = lineNumbers
        call.hasWritten = !starts
        calls[id] = call
        holder = id
        heldSince = now
        effects.append(
            starts
                ? .rerun(call.run, head: tail, certain: call.certain)
                : .grantPosition(call.run, head: tail))
    }
}
