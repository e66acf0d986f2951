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

  /// Whether a name means this machine: it is its own, or one of an address that a socket here can
  /// have.
  static func isCalled(_ name: String) -> Bool {
    let own = Self.name
    if name == "localhost" || name == own || own.hasPrefix(name + ".") { return true }
    var first: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, nil, &first) == 0 else { return false }
    defer { freeaddrinfo(first) }
    var next = first
    while let address = next {
      let candidate = address.pointee
      let descriptor = socket(candidate.ai_family, Int32(SOCK_DGRAM.rawValue) | closesOnExec, 0)
      if descriptor >= 0 {
        defer { close(descriptor) }
        if bind(descriptor, candidate.ai_addr, candidate.ai_addrlen) == 0 { return true }
      }
      next = candidate.ai_next
    }
    return false
  }

  private static let closesOnExec = Int32(SOCK_CLOEXEC.rawValue)
}
