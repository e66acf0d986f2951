import Foundation

/// Who may read the pages: whoever has the token, and comes by a name of this machine.
///
/// The token is in the address, which only the person who started the server has seen. The `Host`
/// header is checked as well: a foreign page whose name has been made to lead to this machine (DNS
/// rebinding) names itself there.
package struct AccessRules: Sendable {
  package let token: String
  /// Names that the browser may have in the address, as `canonical` has them, without the port.
  private let names: Set<String>
  /// Whether any IP address will do: the server listens on all of the machine's.
  private let takesAddresses: Bool

  /// Bytes of chance in a token.
  private static let tokenSize = 24

  /// - Parameters:
  ///   - host: What the server listens on.
  ///   - token: Default: 192 bits of chance.
  package init(host: String, token: String? = nil) {
    let host = Self.canonical(host)
    let isAny = ["0.0.0.0", "::"].contains(host)
    takesAddresses = isAny
    var names: Set<String> = ["127.0.0.1", "localhost", "::1", host]
    if isAny { names.insert(Self.canonical(ProcessInfo.processInfo.hostName)) }
    self.names = names
    self.token = token ?? Self.newToken()
  }

  /// Letters and digits that nobody can guess.
  static func newToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<tokenSize).map { _ in
      let byte = String(UInt8.random(in: .min ... .max, using: &generator), radix: 16)
      return byte.count < 2 ? "0" + byte : byte
    }.joined()
  }

  /// Why a request is refused; nil where it may be answered.
  ///
  /// - Parameters:
  ///   - token: That the request has; nil: none.
  ///   - host: The `Host` header.
  ///   - site: `Sec-Fetch-Site`, by which browsers tell whose page asks; nil where they do not.
  ///   - mode: `Sec-Fetch-Mode`; `navigate` where a person follows a link or types an address.
  package func refusal(
    token given: String?, host: String?, site: String?, mode: String?
  ) -> String? {
    guard let host, isKnown(host) else {
      return "the address must begin with localhost, 127.0.0.1 or the --host that was given"
    }
    guard let given, Self.areEqual(given, token) else {
      return "the address lacks the token: open the one that `lockstep watch` has printed"
    }
    if let site, !["same-origin", "none"].contains(site), mode != "navigate" {
      return "pages of other sites may not read this"
    }
    return nil
  }

  /// - Parameter host: With or without a port: `[::1]:8080`.
  private func isKnown(_ host: String) -> Bool {
    let host = host.lowercased()
    let name: Substring
    if host.hasPrefix("[") {
      guard let end = host.firstIndex(of: "]") else { return false }
      name = host[host.index(after: host.startIndex)..<end]
      let rest = host[host.index(after: end)...]
      guard rest.isEmpty || Self.isPort(rest) else { return false }
    } else {
      let colon = host.firstIndex(of: ":") ?? host.endIndex
      name = host[..<colon]
      guard colon == host.endIndex || Self.isPort(host[colon...]) else { return false }
    }
    if names.contains(Self.canonical(String(name))) { return true }
    return takesAddresses && Self.isAddress(String(name))
  }

  private static func isPort(_ text: Substring) -> Bool {
    text.first == ":" && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// The one spelling of a name: of an IPv6 address that of RFC 5952, which browsers write, of anything else
  /// lower case.
  static func canonical(_ name: String) -> String {
    var address = in6_addr()
    guard inet_pton(AF_INET6, name, &address) == 1 else { return name.lowercased() }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return name }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// An IP address, which no one can make lead elsewhere.
  private static func isAddress(_ name: String) -> Bool {
    var (four, six) = (in_addr(), in6_addr())
    return inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
  }

  /// In a time that does not depend on where two texts differ.
  private static func areEqual(_ given: String, _ token: String) -> Bool {
    let (given, token) = (Array(given.utf8), Array(token.utf8))
    guard given.count == token.count else { return false }
    return zip(given, token).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
