import NIOCore

extension YamuxSession {
    /// Appends up to `limit` bytes of whole frames to `out` and gives how many: control frames first, then one DATA frame
    /// of each stream in turn.
    mutating func fill(_ out: inout ByteBuffer, limit: Int, events: inout [Event]) -> Int {
        let start = out.writerIndex
        let controlCount = min(control.readableBytes, limit / YamuxHeader.bytes * YamuxHeader.bytes)
        if controlCount > 0, var piece = control.readSlice(length: controlCount) { out.writeBuffer(&piece) }
        if control.readableBytes == 0 {
            control.clear()
            pongsQueued = 0
        }
        if mayOpenWaiting {
            ready.append(contentsOf: waiting)
            waiting.removeAll(keepingCapacity: true)
        }
        // A body of a few bytes at the end of a full frame is not worth its header.
        let bodyWorth = 512
        while fault == nil, control.readableBytes == 0, !ready.isEmpty {
            let room = limit - (out.writerIndex - start) - YamuxHeader.bytes
            guard room >= bodyWorth || out.writerIndex == start && room >= 0, let id = ready.popFirst() else { break }
            writeFrame(of: id, room: room, to: &out, events: &events)
        }
        let written = out.writerIndex - start
        if fault == nil, isFarewellDue, written + YamuxHeader.bytes <= limit, let code = farewell {
            YamuxHeader(YamuxHeader.Kind.goAway, length: code).write(to: &out)
            farewell = nil
        }
        return out.writerIndex - start
    }

    private mutating func writeFrame(of id: UInt32, room: Int, to out: inout ByteBuffer, events: inout [Event]) {
        guard let index = streams.index(forKey: id) else { return }
        if streams.values[index].isSynDue {
            guard unansweredCount < limits.unanswered else { return waiting.append(id) }
            unansweredCount += 1
            unsentOpenings -= 1
        }
        let written = streams.values[index].writeFrame(of: id, room: room, low: limits.sendLow, to: &out)
        if written.isWritable { events.append(.writable(id)) }
        if written.isLast { return dropIfEnded(id, events: &events) }
        schedule(id)
    }
}

extension YamuxSession.Stream {
    /// Queues bytes; gives whether the writer has to wait.
    mutating func append(_ bytes: ByteBuffer, high: Int) -> Bool {
        if bytes.readableBytes > 0 {
            queue.append(bytes)
            queued += bytes.readableBytes
        }
        if queued >= high { isFull = true }
        return isFull
    }

    /// Whether it has to be put in line; from then on it stands there.
    mutating func schedule() -> Bool {
        guard !isScheduled, hasOutput else { return false }
        isScheduled = true
        return true
    }

    /// Appends its next frame. `isWritable`: the writer that was asked to wait may go on; `isLast`: it ended with this frame.
    mutating func writeFrame(
        of id: UInt32, room: Int, low: Int, to out: inout ByteBuffer
    ) -> (isWritable: Bool, isLast: Bool) {
        isScheduled = false
        guard hasOutput else { return (false, false) }
        var flags: UInt16 = 0
        if isSynDue {
            flags |= YamuxHeader.Flags.syn
            isSynDue = false
            isUnanswered = true
        }
        if isAckDue {
            flags |= YamuxHeader.Flags.ack
            isAckDue = false
        }
        let count = min(queued, Int(sendWindow), YamuxLimits.bodyMaximum, room)
        let isLast = isFinishWanted && !isFinishSent && count == queued
        if isLast {
            flags |= YamuxHeader.Flags.fin
            isFinishSent = true
        }
        let kind = count > 0 ? YamuxHeader.Kind.data : YamuxHeader.Kind.windowUpdate
        YamuxHeader(kind, flags: flags, stream: id, length: UInt32(count)).write(to: &out)
        moveBody(count, to: &out)
        guard isFull, queued <= low else { return (false, isLast) }
        isFull = false
        return (!isFinishWanted, isLast)
    }

    /// Moves `count` queued bytes behind their header.
    private mutating func moveBody(_ count: Int, to out: inout ByteBuffer) {
        var rest = count
        while rest > 0, let front = queue.first {
            let size = min(rest, front.readableBytes)
            front.withUnsafeReadableBytes { bytes in
                _ = out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<size]))
            }
            if size == front.readableBytes {
                queue.removeFirst()
            } else {
                queue[queue.startIndex].moveReaderIndex(forwardBy: size)
            }
            rest -= size
        }
        queued -= count
        sendWindow -= UInt32(count)
    }
}
