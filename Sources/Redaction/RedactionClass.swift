/// What redaction looks for. Where findings overlap, the class that stands first here has it.
public enum RedactionClass: String, CaseIterable, Sendable, Codable, Hashable {
  /// Blocks from `-----BEGIN … PRIVATE KEY-----` to their end.
  case privateKey = "private-key"
  /// User name and password in front of a URL's host.
  case credentials
  /// Mail addresses.
  case email
  /// API keys, tokens and passwords: by their known beginnings, by the name that they are given, or by
  /// their entropy.
  case secret
  /// International bank account numbers with their check digits.
  case iban
  /// Numbers of payment cards with their check digit.
  case card
  /// MAC addresses.
  case mac
  /// IPv4 and IPv6 addresses.
  case ip
  /// Telephone numbers.
  case phone
  /// Names from lists that the user gives.
  case name

  /// The word in its mark: `PRIVATE_KEY`.
  public var label: String {
    String(rawValue.uppercased().map { $0 == "-" ? "_" : $0 })
  }
}

/// Something to be replaced.
struct Finding {
  let kind: RedactionClass
  /// Bytes of the text.
  let range: Range<Int>
  /// Found by its entropy alone: any other class has it first.
  var isGuess = false

  /// Lower ones are chosen first.
  var rank: Int {
    isGuess
      ? RedactionClass.allCases.count
      : RedactionClass.allCases.firstIndex(of: kind) ?? RedactionClass.allCases.count
  }
}
