#if canImport(Glibc)
  import Glibc
#endif

/// What tells this machine from others.
enum ThisMachine {
  /// The name that it goes by.
  static var name: String {
    var text = [CChar](repeating: 0, count: 256)
    gethostname(&text, text.count - 1)
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Whether a name means this machine: it is its own, or one of an address of one of its interfaces.
  static func isCalled(_ name: String) -> Bool {
    let own = Self.name
    if name == "localhost" || name == own || own.hasPrefix(name + ".") { return true }
    var first: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, nil, &first) == 0 else { return false }
    defer { freeaddrinfo(first) }
    let addresses = addresses
    return sequence(first: first, next: { $0?.pointee.ai_next }).prefix { $0 != nil }.contains {
      guard let bytes = bytes(of: $0?.pointee.ai_addr) else { return false }
      return addresses.contains(bytes) || isLoopback(bytes)
    }
  }

  /// Those of its interfaces. A socket takes any address where `net.ipv4.ip_nonlocal_bind` is set, so that
  /// `bind` does not tell.
  private static var addresses: Set<[UInt8]> {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    return Set(
      sequence(first: first, next: { $0?.pointee.ifa_next }).prefix { $0 != nil }
        .compactMap { bytes(of: $0?.pointee.ifa_addr) })
  }

  /// The bytes of an Internet address, 4 or 16; nil for addresses of other kinds.
  private static func bytes(of address: UnsafePointer<sockaddr>?) -> [UInt8]? {
    guard let address else { return nil }
    let place = UnsafeRawPointer(address)
    return switch Int32(address.pointee.sa_family) {
    case AF_INET:
      withUnsafeBytes(of: place.loadUnaligned(as: sockaddr_in.self).sin_addr, Array.init)
    case AF_INET6:
      withUnsafeBytes(of: place.loadUnaligned(as: sockaddr_in6.self).sin6_addr, Array.init)
    default: nil
    }
  }

  /// Whether it is in 127.0.0.0/8, all of which is this machine's.
  private static func isLoopback(_ bytes: [UInt8]) -> Bool { bytes.count == 4 && bytes[0] == 127 }
}
