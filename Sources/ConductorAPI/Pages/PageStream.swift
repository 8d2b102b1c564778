import Glibc
import NIOCore
import NIOPosix

/// Sends a file in pieces: each is read on a thread of the pool once the one before has been taken.
///
/// Confined to the loop of its channel, which hands it the pieces.
final class PageStream {
    static let pieceBytes = 65_536

    private let file: PageFile
    private let loop: any EventLoop
    private var sent = 0

    init(_ file: PageFile, loop: any EventLoop) {
        self.file = file
        self.loop = loop
    }

    deinit { close(file.descriptor) }

    /// The next piece, on the loop; nil at the end.
    /// - Parameter taken: fails if the file is shorter than it was when it was opened, or cannot be read.
    func next(_ taken: @escaping (Result<ByteBuffer?, any Error>) -> Void) {
        let count = min(Self.pieceBytes, file.size - sent)
        guard count > 0 else { return taken(.success(nil)) }
        let (descriptor, offset) = (file.descriptor, sent)
        let reading = NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try Self.read(descriptor, offset: offset, count: count)
        }
        sent += count
        // `self` keeps the descriptor open until the read has ended.
        reading.assumeIsolated().whenComplete { [self] result in
            withExtendedLifetime(self) { taken(result.map { $0 }) }
        }
    }

    private static func read(_ descriptor: Int32, offset: Int, count: Int) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        var done = 0
        while done < count {
            let got = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count - done) { bytes in
                let got = pread(descriptor, bytes.baseAddress, count - done, off_t(offset + done))
                guard got > 0 || (got < 0 && errno == EINTR) else { throw ChannelError.eof }
                return max(0, got)
            }
            done += got
        }
        return buffer
    }
}
