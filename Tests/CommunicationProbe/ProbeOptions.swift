/// A command and values by name: `reduce --elements 1000 --leaves 8`.
struct ProbeOptions: Sendable {
  let command: String
  private var values: [String: String] = [:]

  init(_ arguments: some Sequence<String>) {
    var words = Array(arguments)
    command = words.isEmpty ? "topology" : words.removeFirst()
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      values[String(words[index].drop { $0 == "-" })] = words[index + 1]
    }
  }

  func number(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

  func text(_ name: String) -> String? { values[name] }
}
