/// A command and numbers by name: `reduce --elements 1000 --leaves 8`.
struct ProbeOptions: Sendable {
  let command: String
  private var numbers: [String: Int] = [:]

  init(_ arguments: some Sequence<String>) {
    var words = Array(arguments)
    command = words.isEmpty ? "topology" : words.removeFirst()
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      numbers[String(words[index].drop { $0 == "-" })] = Int(words[index + 1])
    }
  }

  func number(_ name: String) -> Int? { numbers[name] }
}
