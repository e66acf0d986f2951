extension SettingNode {
  /// Puts `value` under a dotted path of keys, over whatever was there.
  ///
  /// A section on the way is made where none is written, or nothing stands in its place. A value that
  /// stands for a section by its shorthand becomes that section, so that nothing of it is lost. Any
  /// other value on the way is refused, and the tree stays as it is.
  ///
  /// - Parameters:
  ///   - path: `optimizer.learning_rate`.
  ///   - value: Its origin is where messages send their reader.
  ///   - keys: Of the configuration that the tree is of. Default: none are known.
  /// - Throws: `Violation.Problem.discards` where a value on the way would be lost.
  public mutating func set(
    _ path: String, to value: SettingNode, keys: [KeyDescription] = []
  ) throws(Violation) {
    var changed = self
    try changed.set(path, to: value, at: .root, keys: keys)
    self = changed
  }

  private mutating func set(
    _ rest: String, to value: SettingNode, at path: SettingPath, keys: [KeyDescription]
  ) throws(Violation) {
    let (first, rest) = Self.splitFirst(rest)
    var entries = entries ?? []
    let index = entries.firstIndex { $0.key == first }
    guard let rest else {
      if let index {
        entries[index] = Entry(first, value, origin: value.origin)
      } else {
        entries.append(Entry(first, value, origin: value.origin))
      }
      content = .map(entries)
      return
    }
    let place = path.appending(first)
    let descriptions = keys.filter { $0.key == first }
    var child = SettingNode(.null, origin: value.origin)
    if let index {
      child = entries[index].value
      guard child.expand(as: descriptions) else {
        let full = place.appending(rest)
        throw Violation(
          .discards(
            key: place.description, found: child.summary, origin: child.origin,
            instead: child.instead(at: place, as: descriptions)),
          at: full, origin: value.origin)
      }
    }
    try child.set(rest, to: value, at: place, keys: descriptions.flatMap(\.children))
    if let index {
      entries[index].value = child
    } else {
      entries.append(Entry(first, child, origin: value.origin))
    }
    content = .map(entries)
  }

  /// Becomes a map that says the same.
  ///
  /// - Parameter descriptions: Of the key whose value this is, under every choice.
  /// - Returns: Whether there is such a map.
  private mutating func expand(as descriptions: [KeyDescription]) -> Bool {
    switch content {
    case .map: return true
    // Nothing written is a section of defaults, but not a list of nothing.
    case .null: return descriptions.allSatisfy { $0.children.isEmpty || $0.isSection }
    case .plain, .text:
      guard let shorthand = descriptions.lazy.compactMap(\.shorthandKey).first else { return false }
      content = .map([Entry(shorthand, self, origin: origin)])
      return true
    case .list: return false
    }
  }

  /// What can be written so that this value and the new one both count, as a phrase.
  private func instead(at place: SettingPath, as descriptions: [KeyDescription]) -> String {
    if case .list = content { return "give the whole of \(place), in brackets" }
    let children = descriptions.flatMap(\.children)
    let selector = children.first { description in
      description.choices.contains { $0.name == scalar }
    }
    if let selector, let scalar {
      return "write \(place): {\(selector.key): \(scalar)}"
    }
    return children.isEmpty
      ? "\(place) has no keys below it"
      : "\(place) takes keys, such as \(children[0].key)"
  }
}
