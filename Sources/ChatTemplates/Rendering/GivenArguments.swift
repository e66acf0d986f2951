/// What a function, a filter or a test is called with.
struct GivenArguments {
  var values: [TemplateValue] = []
  var named: [(name: String, value: TemplateValue)] = []

  /// The arguments by a function's parameters.
  ///
  /// - Parameters:
  ///   - function: What errors call it.
  ///   - parameters: Their names, in order.
  ///   - required: How many must be given. Default: none.
  /// - Returns: One for each parameter; nil for those that were not given.
  func matched(
    _ function: String, _ parameters: [String], required: Int = 0, in renderer: TemplateRenderer
  ) throws -> [TemplateValue?] {
    guard values.count <= parameters.count else {
      throw renderer.evaluation("\(function) takes \(parameters.count) values, not \(values.count)")
    }
    var matched: [TemplateValue?] = parameters.indices.map { $0 < values.count ? values[$0] : nil }
    for (name, value) in named {
      guard let place = parameters.firstIndex(of: name) else {
        throw renderer.evaluation("\(function) takes no '\(name)'")
      }
      guard matched[place] == nil else {
        throw renderer.evaluation("\(function) gets '\(name)' twice")
      }
      matched[place] = value
    }
    for place in 0..<required where matched[place] == nil {
      throw renderer.evaluation("\(function) needs '\(parameters[place])'")
    }
    return matched
  }
}

extension TemplateRenderer {
  /// A text that is given, or a failure that names the function that wants it.
  func requireText(_ value: TemplateValue, of function: String) throws -> String {
    guard case .text(let text) = value else {
      if case .undefined(let name) = value { throw undefined(name) }
      throw evaluation("\(function) of \(value.typeName)")
    }
    return text
  }

  func requireWhole(_ value: TemplateValue, of function: String) throws -> Int {
    guard let whole = value.whole else {
      if case .undefined(let name) = value { throw undefined(name) }
      throw evaluation("\(function) of \(value.typeName)")
    }
    return whole
  }
}
