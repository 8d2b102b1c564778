import Integrity

/// What has returned: the line of calls whose writes are being validated, and what follows when one of them fails.
extension CommitOrder {
    mutating func returned(_ id: UInt64, _ end: ChainHead?, _ now: UInt64) {
        guard var call = calls[id] else { return }
        switch call.phase {
        case .holding:
            holder = nil
            if let end { join(id, end) } else { finishWithoutWrites(id) }
        case .detached, .queued(.resume):
            if let end {
                call.end = end
                calls[id] = call
                if call.head == tail { enqueue(id, .append, first: true) } else { runAgain(id, certain: true) }
            } else {
                finishWithoutWrites(id)
            }
        case .running, .queued(.firstWrite):
            finishWithoutWrites(id)
        case .queued(.append), .queued(.rerun), .inLine:
            return
        }
        advance(now)
    }

    /// Puts a returned call's actions at the end of the line; from now on they are what the next writer builds on.
    mutating func join(_ id: UInt64, _ end: ChainHead) {
        guard var call = calls[id] else { return }
        call.phase = .inLine
        call.end = end
        calls[id] = call
        lineNumbers += 1
        line.append(LineEntry(number: lineNumbers, run: call.run, standing: .validating, end: end))
        tail = end
        effects.append(.beginValidation(call.run))
    }

    /// A call without writes is answered at once, unless it saw writes that may yet turn out never to have been.
    private mutating func finishWithoutWrites(_ id: UInt64) {
        guard var call = calls[id] else { return }
        guard let oldest = line.first, oldest.number <= call.seen else {
            end(id, .release(call.run))
            return
        }
        call.phase = .inLine
        calls[id] = call
        lineNumbers += 1
        line.append(LineEntry(number: lineNumbers, run: call.run, standing: .nothing, end: tail))
    }

    mutating func validated(_ id: UInt64, _ valid: Bool, _ now: UInt64) {
        guard let index = place(of: id), line[index].standing == .validating else { return }
        if valid {
            line[index].standing = .valid
        } else {
            // The verdict may rest on what a call before it wrote, so the caller hears it when its turn comes; nobody
            // builds on it from now on.
            line[index].standing = .refusal
            line[index].end = index == 0 ? certainTail : line[index - 1].end
            undo(after: index, number: line[index].number)
        }
        drain()
        advance(now)
    }

    /// Ends a call whose module failed or whose caller left, wherever it stands.
    mutating func fail(_ id: UInt64, _ now: UInt64) {
        guard let call = calls[id] else { return }
        if call.phase == .inLine, let index = place(of: id) {
            let entry = line[index]
            let later = line.cut(from: index).dropFirst()
            for entry in later { line.append(entry) }
            if entry.standing == .validating || entry.standing == .valid {
                undo(after: index - 1, number: entry.number)
            }
        }
        end(id, .refuse(call.run, .failed))
        drain()
        advance(now)
    }

    /// Commits, releases and refuses from the front of the line, as far as the verdicts are in.
    private mutating func drain() {
        while let entry = line.first {
            switch entry.standing {
            case .validating: return
            case .valid:
                certainTail = entry.end
                end(entry.run.call, .commit(entry.run))
            case .nothing: end(entry.run.call, .release(entry.run))
            case .refusal: end(entry.run.call, .refuse(entry.run, .invalid))
            }
            line.removeFirst()
        }
    }

    /// The writes numbered `number` will never be: every call that stood or stands on them starts over, in order.
    private mutating func undo(after index: Int, number: UInt64) {
        let later = line.cut(from: index + 1).map(\.run.call)
        tail = line.last?.end ?? certainTail
        let inLine = Set(later)
        let active = calls.filter { $0.value.seen >= number && $0.value.phase != .inLine && !inLine.contains($0.key) }
            .sorted { ($0.value.seen, $0.value.arrival) < ($1.value.seen, $1.value.arrival) }.map(\.key)
        // Each goes to the front of the queue, so the last goes first.
        for id in (later + active).reversed() { runAgain(id, certain: true) }
    }

    private func place(of id: UInt64) -> Int? {
        guard calls[id]?.phase == .inLine else { return nil }
        return line.elements.firstIndex { $0.run.call == id }.map { $0 - line.elements.startIndex }
    }
}
