/// Names that tell that a value is a secret.
enum SecretNames {
  enum Kind {
    /// What people think of.
    case password
    /// What a machine made.
    case token

    func takes(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
      let randomness = Randomness(value)
      return self == .password ? randomness.isPassword : randomness.isKeptSecret
    }
  }

  private static let passwordWords: Set<String> = [
    "password", "passwd", "pwd", "passphrase", "passwort", "kennwort", "pass",
  ]
  private static let tokenWords: Set<String> = [
    "secret", "token", "apikey", "authtoken", "accesstoken", "authorization", "secretkey",
    "accesskey",
    "privatekey", "credential", "credentials", "bearer",
  ]
  /// Words in front of `key`.
  private static let keyWords: Set<String> = [
    "api", "access", "secret", "private", "auth", "account", "encryption", "signing", "master",
    "service",
  ]

  /// What the name in front of a sign says: `client_secret =`, `"apiKey":`.
  static func kind(before sign: Int, in text: Text, _ least: Int) -> Kind? {
    var end = sign
    while end > least, end > sign - 4,
      text[end - 1] == UInt8(ascii: " ") || text[end - 1] == UInt8(ascii: "\"")
        || text[end - 1] == UInt8(ascii: "'") || text[end - 1] == UInt8(ascii: "\\")
        || text[end - 1] == UInt8(ascii: "]")
    {
      end -= 1
    }
    var start = end
    while start > least, end - start < 64,
      text[start - 1].isWord || text[start - 1] == UInt8(ascii: "-")
    {
      start -= 1
    }
    return end - start < 3 ? nil : kind(of: text.bytes(start..<end))
  }

  /// What a name says: by its last word, or its last two.
  static func kind(of name: UnsafeBufferPointer<UInt8>) -> Kind? {
    // Most names do not end with the last letter of any of these words.
    guard let last = name.last?.lowercased,
      last == 0x64 || "trynseo".utf8.contains(last) || last == 0x73
    else { return nil }
    var words: [String] = [""]
    var previous: UInt8 = 0
    for byte in name {
      if !byte.isAlphanumeric {
        words.append("")
      } else {
        if byte.isUpper, previous.isLower { words.append("") }
        words[words.count - 1].unicodeScalars.append(Unicode.Scalar(byte.lowercased))
      }
      previous = byte
    }
    words.removeAll(where: \.isEmpty)
    guard let word = words.last else { return nil }
    if passwordWords.contains(word) { return .password }
    if tokenWords.contains(word) { return .token }
    if word == "key", words.count > 1, keyWords.contains(words[words.count - 2]) { return .token }
    return nil
  }
}
