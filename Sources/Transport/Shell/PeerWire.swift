import NIOCore

/// A way of bytes to a peer that a connection stands on: a socket, a WebSocket, a stream over a relay. On the loop only.
protocol PeerWire: AnyObject {
    var receiver: (any WireReceiver)? { get set }
    /// False while so much is unsent that the sender should wait.
    var isWritable: Bool { get }
    /// Sends at once.
    func send(_ bytes: ByteBuffer)
    /// Whether more is read from the peer.
    func setReading(_ isOn: Bool)
    /// Closes after what was sent, or, where that cannot be waited for, at once.
    func close(atOnce: Bool)
}

/// Who takes what comes over a wire.
protocol WireReceiver: AnyObject {
    func wireRead(_ bytes: ByteBuffer)
    /// All that had come was read.
    func wireReadComplete()
    func wireBecameWritable()
    /// Comes once, whoever closed it.
    func wireClosed()
}

/// The last handler of a socket's pipeline: the wire of its connection.
final class ChannelWire: ChannelDuplexHandler, PeerWire {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var receiver: (any WireReceiver)?
    private var context: ChannelHandlerContext?
    private var isReading = true
    private var isReadWanted = false
    private var isClosed = false

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ bytes: ByteBuffer) {
        guard let context, bytes.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    func setReading(_ isOn: Bool) {
        guard isOn != isReading else { return }
        isReading = isOn
        guard isOn, isReadWanted else { return }
        isReadWanted = false
        context?.read()
    }

    func close(atOnce: Bool) {
        guard let context else { return }
        if atOnce { return context.close(mode: .all, promise: nil) }
        // Behind all that still waits to be written.
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func read(context: ChannelHandlerContext) {
        if isReading { context.read() } else { isReadWanted = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { receiver?.wireRead(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) { receiver?.wireReadComplete() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { receiver?.wireBecameWritable() }
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func end() {
        guard !isClosed else { return }
        isClosed = true
        context = nil
        let receiver = receiver
        self.receiver = nil
        receiver?.wireClosed()
    }
}
