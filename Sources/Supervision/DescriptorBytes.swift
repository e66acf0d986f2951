import Foundation

/// Bytes through descriptors that are looked at between other things, and never waited for.
package enum DescriptorBytes {
  /// Makes reads and writes return at once.
  static func doNotBlock(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  /// Keeps a descriptor from programs that are started.
  static func closeOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, fcntl(descriptor, F_GETFD) | FD_CLOEXEC)
  }

  /// What has arrived.
  ///
  /// - Returns: Nil at the end: the other side is gone.
  static func arrived(at descriptor: Int32) -> [UInt8]? {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count > 0 {
        all += buffer[..<count]
        continue
      }
      if count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) { return all }
      return all.isEmpty ? nil : all
    }
  }

  /// Sends bytes, or not: a full pipe means that the other side is not listening anyway.
  static func send(_ bytes: [UInt8], to descriptor: Int32) {
    bytes.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
  }

  /// Waits until one of the descriptors has something to read or has ended.
  package static func wait(for descriptors: [Int32], seconds: Double) {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    _ = poll(&polled, nfds_t(polled.count), Int32(seconds * 1000))
  }
}
