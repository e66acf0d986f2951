/// Finds the name that someone meant who wrote another.
package enum Suggestion {
  /// How many are made for one section: they are a help, and take time.
  static let mostMade = 50

  /// Letters of the longest name that is compared.
  private static let longestName = 100

  /// The candidate nearest to `name`; nil if none is near.
  ///
  /// Near means: equal but for case, hyphens and underscores (`learningRate`), its initials (`lr`),
  /// or at most a third of its letters mistyped. Ties go to the earlier candidate.
  package static func nearest(to name: String, among candidates: [String]) -> String? {
    guard name.utf8.count <= longestName else { return nil }
    let letters = simplified(name)
    if let same = candidates.first(where: { isSpelling(name, of: $0) }) { return same }
    let ranked = candidates.map { (candidate: $0, distance: distance(letters, simplified($0))) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }),
      best.distance <= max(letters.count, simplified(best.candidate).count) / 3
    else { return nil }
    return best.candidate
  }

  /// Whether `name` is `candidate` but for case, hyphens and underscores, or its initials.
  package static func isSpelling(_ name: String, of candidate: String) -> Bool {
    let letters = simplified(name)
    return letters == simplified(candidate) || letters == initials(candidate)
  }

  /// The number of letters to insert, delete, replace or swap with their neighbour that turn one
  /// word into the other (Damerau 1964, the restricted form: no letter is edited twice).
  package static func distance(_ first: [Character], _ second: [Character]) -> Int {
    guard !first.isEmpty, !second.isEmpty else { return max(first.count, second.count) }
    var beforeLast: [Int] = []
    var last = Array(0...second.count)
    for i in first.indices {
      var current = [i + 1]
      for j in second.indices {
        var best = min(last[j + 1] + 1, current[j] + 1, last[j] + (first[i] == second[j] ? 0 : 1))
        if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
          best = min(best, beforeLast[j - 1] + 1)
        }
        current.append(best)
      }
      (beforeLast, last) = (last, current)
    }
    return last[second.count]
  }

  private static func simplified(_ name: String) -> [Character] {
    name.lowercased().filter { $0 != "_" && $0 != "-" }
  }

  /// `learning_rate` is `lr`; a name of one word has no initials.
  private static func initials(_ name: String) -> [Character] {
    let words = name.lowercased().split { $0 == "_" || $0 == "-" }
    return words.count > 1 ? words.compactMap(\.first) : []
  }
}
