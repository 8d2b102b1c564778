import NIOCore

/// What every identity serves.
extension TransportHost {
    static let pingID = "/ipfs/ping/1.0.0"

    func serveBase(_ identity: HostIdentity) {
        identity.handle(Self.pingID, perPeer: 2) { [weak self] stream in self?.answerPings(stream) }
    }

    /// Gives back what comes, as fast as the peer takes it.
    private func answerPings(_ stream: PeerStream) {
        stream.onBytes = { [weak stream] bytes in
            guard let stream else { return }
            stream.write(bytes)
            if !stream.isWritable { stream.pauseReading() }
        }
        stream.onWritable = { [weak stream] in stream?.resumeReading() }
        stream.onEnd = { [weak stream] end in
            if case .finished = end { stream?.finish() }
        }
    }
}
