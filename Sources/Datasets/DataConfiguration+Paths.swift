import LockstepSettings

extension DataConfiguration {
  /// The same section with another path in the place of each.
  public func mappingPaths(_ change: (String) -> String) -> DataConfiguration {
    var data = self
    switch format {
    case .tokens(var tokens):
      tokens.train = OneOrMore(
        elements: tokens.train.elements.map {
          TokenSource(path: change($0.path), weight: $0.weight)
        })
      tokens.validation = tokens.validation.map { OneOrMore(elements: $0.elements.map(change)) }
      tokens.tokenizer = tokens.tokenizer.map(change)
      data.format = .tokens(tokens)
    case .idx(var images):
      images.train = change(images.train)
      images.trainLabels = change(images.trainLabels)
      images.validation = images.validation.map(change)
      images.validationLabels = images.validationLabels.map(change)
      images.classes = images.classes?.mappingPath(change)
      data.format = .idx(images)
    case .csv(var table):
      table.train = change(table.train)
      table.validation = table.validation.map(change)
      table.classes = table.classes?.mappingPath(change)
      data.format = .csv(table)
    case .pairs(var pairs):
      pairs.trainSource = change(pairs.trainSource)
      pairs.trainTarget = change(pairs.trainTarget)
      pairs.validationSource = pairs.validationSource.map(change)
      pairs.validationTarget = pairs.validationTarget.map(change)
      pairs.tokenizer = change(pairs.tokenizer)
      data.format = .pairs(pairs)
    case .conversations(var conversations):
      conversations.train = change(conversations.train)
      conversations.validation = conversations.validation.map(change)
      conversations.tokenizer = change(conversations.tokenizer)
      data.format = .conversations(conversations)
    case .preferences(var preferences):
      preferences.train = change(preferences.train)
      preferences.validation = preferences.validation.map(change)
      preferences.tokenizer = change(preferences.tokenizer)
      data.format = .preferences(preferences)
    case .texts(var texts):
      texts.train = change(texts.train)
      texts.validation = texts.validation.map(change)
      texts.tokenizer = change(texts.tokenizer)
      texts.classes = texts.classes?.mappingPath(change)
      data.format = .texts(texts)
    }
    return data
  }
}
