/// A pattern of parameter names: `*` stands for any characters, also none, `?` for one, everything
/// else for itself.
public struct NamePattern: Equatable, Sendable {
  private let pattern: [Character]

  public init(_ pattern: String) { self.pattern = Array(pattern) }

  public func matches(_ name: String) -> Bool {
    // The last star seen, and how much of the name it stands for, are taken back on a mismatch.
    let name = Array(name)
    var (place, next) = (0, 0)
    var star: (next: Int, place: Int)?
    while place < name.count {
      if next < pattern.count, pattern[next] == "*" {
        star = (next: next + 1, place: place)
        next += 1
      } else if next < pattern.count, pattern[next] == "?" || pattern[next] == name[place] {
        next += 1
        place += 1
      } else if let last = star {
        star = (next: last.next, place: last.place + 1)
        (next, place) = (last.next, last.place + 1)
      } else {
        return false
      }
    }
    return pattern[next...].allSatisfy { $0 == "*" }
  }
}
