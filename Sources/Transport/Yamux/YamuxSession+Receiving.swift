import NIOCore

extension YamuxSession {
    /// Takes all bytes of `bytes`, which is the next piece of what the peer sends, cut anywhere, and appends what follows
    /// from them to `events`. After a fault, the rest is thrown away.
    mutating func receive(_ bytes: inout ByteBuffer, now: NIODeadline, events: inout [Event]) {
        guard bytes.readableBytes > 0, fault == nil else { return bytes.moveReaderIndex(to: bytes.writerIndex) }
        lastHeard = now
        while fault == nil {
            if let (id, rest) = body {
                let count = min(rest, bytes.readableBytes)
                guard count > 0, let piece = bytes.readSlice(length: count) else { return }
                body = count == rest ? nil : (id, rest - count)
                take(piece, of: id, events: &events)
            } else {
                guard let header = nextHeader(&bytes) else { return }
                take(header, now: now, events: &events)
            }
        }
        bytes.moveReaderIndex(to: bytes.writerIndex)
    }

    private mutating func nextHeader(_ bytes: inout ByteBuffer) -> YamuxHeader? {
        if partial.readableBytes == 0, let header = YamuxHeader(reading: &bytes) { return header }
        let missing = YamuxHeader.bytes - partial.readableBytes
        if var piece = bytes.readSlice(length: min(missing, bytes.readableBytes)) { partial.writeBuffer(&piece) }
        let header = YamuxHeader(reading: &partial)
        if header != nil { partial.clear() }
        return header
    }

    private mutating func take(_ header: YamuxHeader, now: NIODeadline, events: inout [Event]) {
        guard header.version == 0 else { return fail(.version(header.version), events: &events) }
        switch header.kind {
        case YamuxHeader.Kind.data, YamuxHeader.Kind.windowUpdate: takeStreamFrame(header, events: &events)
        case YamuxHeader.Kind.ping: takePing(header, now: now, events: &events)
        case YamuxHeader.Kind.goAway:
            guard header.stream == 0 else { return failWrongStream(header, events: &events) }
            isPeerGoingAway = true
            events.append(.goingAway(code: header.length))
        default: fail(.kind(header.kind), events: &events)
        }
    }

    private mutating func failWrongStream(_ header: YamuxHeader, events: inout [Event]) {
        fail(.wrongStream(kind: header.kind, stream: header.stream), events: &events)
    }

    private mutating func takePing(_ header: YamuxHeader, now: NIODeadline, events: inout [Event]) {
        guard header.stream == 0 else { return failWrongStream(header, events: &events) }
        if header.has(YamuxHeader.Flags.syn) {
            guard pongsQueued < limits.pongs else { return }
            pongsQueued += 1
            let kind = YamuxHeader.Kind.ping
            YamuxHeader(kind, flags: YamuxHeader.Flags.ack, length: header.length).write(to: &control)
        } else if let sent = pingSent, header.length == pingNumber {
            roundTrip = now - sent
            pingSent = nil
        }
    }

    private mutating func takeStreamFrame(_ header: YamuxHeader, events: inout [Event]) {
        let id = header.stream
        guard id != 0 else { return failWrongStream(header, events: &events) }
        if header.has(YamuxHeader.Flags.syn), !takeOpening(header, events: &events) { return }
        guard streams[id] != nil else { return skip(header, events: &events) }
        if streams[id]?.isUnanswered == true {
            // Any first frame of the peer shows that it has the stream, whether or not it says so.
            streams[id]?.isUnanswered = false
            unansweredCount -= 1
        }
        if header.has(YamuxHeader.Flags.rst) {
            // An error code, or nothing, stands where other frames have a length; DATA keeps its body.
            let isData = header.kind == YamuxHeader.Kind.data
            events.append(.reset(id, code: isData ? 0 : header.length))
            drop(id)
            if isData { skip(header, events: &events) }
            return
        }
        if header.kind == YamuxHeader.Kind.data {
            guard takeBody(header, events: &events) else { return }
        } else if header.length > 0 {
            takeCredit(header, events: &events)
        }
        if header.has(YamuxHeader.Flags.fin), fault == nil, header.length == 0 || header.kind != YamuxHeader.Kind.data {
            takeFinish(id, events: &events)
        }
    }

    /// A frame for a stream that is gone: its body is read and dropped. No window was ever larger than the largest.
    private mutating func skip(_ header: YamuxHeader, events: inout [Event]) {
        guard header.kind == YamuxHeader.Kind.data, header.length > 0 else { return }
        guard header.length <= limits.windowMaximum else { return fail(.overCredit(header.stream), events: &events) }
        body = (header.stream, Int(header.length))
    }

    /// A SYN; gives whether the frame has more to say.
    private mutating func takeOpening(_ header: YamuxHeader, events: inout [Event]) -> Bool {
        let id = header.stream
        guard (id % 2 == 1) == (role == .server) else {
            fail(.parity(id), events: &events)
            return false
        }
        guard streams[id] == nil else {
            fail(.duplicate(id), events: &events)
            return false
        }
        if header.kind == YamuxHeader.Kind.data, header.length > YamuxLimits.initialWindow {
            fail(.overCredit(id), events: &events)
            return false
        }
        // Opened and killed at once: there was no stream.
        if header.has(YamuxHeader.Flags.rst) { return true }
        if isGoingAway || inboundCount >= limits.inbound || backlogCount >= limits.backlog {
            sendReset(id, code: isGoingAway ? YamuxCode.shutdown : YamuxCode.resourceLimit)
            return true
        }
        var stream = Stream(isOurs: false)
        stream.isAckDue = true
        stream.isInBacklog = true
        streams[id] = stream
        inboundCount += 1
        backlogCount += 1
        targetTotal += YamuxLimits.initialWindow
        events.append(.opened(id))
        schedule(id)
        return true
    }

    /// The body of a live stream's DATA begins; gives whether the frame has more to say.
    private mutating func takeBody(_ header: YamuxHeader, events: inout [Event]) -> Bool {
        let id = header.stream
        guard let stream = streams[id], header.length > 0 else { return true }
        if stream.isRemoteFinished {
            sendReset(id, code: YamuxCode.violation)
            drop(id)
            events.append(.reset(id, code: YamuxCode.violation))
            skip(header, events: &events)
            return false
        }
        guard header.length <= stream.receiveWindow else {
            fail(.overCredit(id), events: &events)
            return false
        }
        body = (id, Int(header.length))
        if header.has(YamuxHeader.Flags.fin) { finishingBody = id }
        return true
    }

    /// A piece of a body has come.
    private mutating func take(_ piece: ByteBuffer, of id: UInt32, events: inout [Event]) {
        let count = piece.readableBytes
        guard streams[id] != nil else { return finishingBody = nil }
        guard bufferedTotal + count <= limits.bufferMaximum else {
            reset(id, code: YamuxCode.resourceLimit)
            events.append(.reset(id, code: YamuxCode.resourceLimit))
            return finishingBody = nil
        }
        streams[id]?.receiveWindow -= count
        streams[id]?.buffered += count
        hold(count)
        events.append(.data(id, piece))
        if body == nil, finishingBody == id {
            finishingBody = nil
            takeFinish(id, events: &events)
        }
    }

    private mutating func takeCredit(_ header: YamuxHeader, events: inout [Event]) {
        guard let stream = streams[header.stream] else { return }
        let (sum, isOver) = stream.sendWindow.addingReportingOverflow(header.length)
        guard !isOver else { return fail(.creditOverflow(header.stream), events: &events) }
        streams[header.stream]?.sendWindow = sum
        schedule(header.stream)
    }

    private mutating func takeFinish(_ id: UInt32, events: inout [Event]) {
        guard streams[id]?.isRemoteFinished == false else { return }
        streams[id]?.isRemoteFinished = true
        events.append(.finished(id))
        dropIfEnded(id, events: &events)
    }
}
