import LockstepSettings
import LockstepWeights

extension ForeignModel {
  /// Reads what a GGUF file says of its network.
  ///
  /// - Throws: `UnsupportedModelError` where it describes a model that Lockstep would not compute as
  ///   llama.cpp does: another architecture, a key that is unknown, or a value that is not supported;
  ///   `WeightError`.
  public init(_ file: GGUFReader) throws {
    func unsupported(_ reason: String) -> UnsupportedModelError {
      UnsupportedModelError(path: file.path, reason: reason)
    }
    if let type = file.metadata["general.type"]?.text, type != "model" {
      throw unsupported("general.type is \(type), expected model")
    }
    if let parts = file.metadata["split.count"]?.integer, parts > 1 {
      throw unsupported(
        "is one of \(parts) parts of a model; llama-gguf-split --merge makes one file of them")
    }
    let name = file.metadata["general.architecture"]?.text ?? ""
    for architecture in ModelConfiguration.architectures {
      if let found = try architecture.read(file, architecture: name) {
        self = found
        return
      }
    }
    let known = ModelConfiguration.architectures.compactMap { $0.ggufName }
    throw unsupported(
      "general.architecture is \(name.isEmpty ? "missing" : name); "
        + "\(known.dropLast().joined(separator: ", ")) and \(known.last ?? "") are supported")
  }
}

extension Architecture {
  fileprivate static var ggufName: String? { gguf?.name }

  /// Reads a GGUF file's metadata; nil where it is another architecture's.
  fileprivate static func read(
    _ file: GGUFReader, architecture: String
  ) throws -> ForeignModel? {
    guard let gguf, gguf.name == architecture else { return nil }
    let (configuration, notices) = try InterchangeKey.decode(
      gguf.members(of: file), by: gguf.keys, harmless: [], path: file.path)
    return ForeignModel(configuration: ModelConfiguration(configuration), notices: notices)
  }

  /// The tensors of a GGUF file of this network, under the names and in the order of the parameters.
  public func weights(of file: GGUFReader) -> any WeightSource {
    guard let gguf = Self.gguf else { return file }
    let names = Dictionary(
      gguf.tensors(self).map { ($0.stored, $0) }, uniquingKeysWith: { first, _ in first })
    return RenamedWeights(
      file, leavingOut: gguf.computed(self) == nil ? [] : [GGUFFact.rotaryFactors]
    ) { stored in
      let path = TensorPath(stored)
      return names[path.pattern].map {
        RenamedWeights.Meaning(path.name(in: $0.meant), order: path.order($0.order))
      }
    }
  }

  /// The keys that describe this network in a GGUF file; nil where llama.cpp has no such network.
  ///
  /// - Parameter vocabularyCount: V, where the configuration does not name one itself.
  public func ggufMetadata(vocabularyCount: Int) -> [(key: String, value: GGUFValue)]? {
    guard let gguf = Self.gguf else { return nil }
    let context = InterchangeContext(vocabularyCount: vocabulary ?? vocabularyCount)
    var written: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .text(gguf.name)), ("general.type", .text("model")),
    ]
    for key in gguf.keys {
      for (name, node) in key.write(self, context).sorted(by: { $0.key < $1.key }) {
        guard let value = GGUFValue(node) else { continue }
        let isWhole = ["lockstep.", "tokenizer."].contains { name.hasPrefix($0) }
        written.append((isWhole ? name : "\(gguf.name).\(name)", value))
      }
    }
    return written
  }

  /// The tensors of this network as a GGUF file has them; those that have no place there by name.
  ///
  /// - Parameters:
  ///   - parameters: By their own names.
  ///   - type: Of the matrices whose rows its blocks divide.
  public func ggufTensors(
    of parameters: [TensorView], type: StorageType
  ) -> (tensors: [OutgoingTensor], leftOut: [String]) {
    guard let gguf = Self.gguf else { return ([], parameters.map(\.name)) }
    let names = Dictionary(
      gguf.tensors(self).map { ($0.meant, $0) }, uniquingKeysWith: { first, _ in first })
    var tensors: [OutgoingTensor] = []
    var leftOut: [String] = []
    for parameter in parameters {
      let path = TensorPath(parameter.name)
      guard let name = names[path.pattern] else {
        leftOut.append(parameter.name)
        continue
      }
      let order = path.order(name.order)
      tensors.append(
        OutgoingTensor(
          path.name(in: name.stored), parameter, order: order,
          type: type.suiting(order.shape(of: parameter.shape), isKeptExact: name.isKeptExact)))
    }
    return (tensors, leftOut)
  }

  /// What of this network a GGUF file can not say; nil: it can say all of it, or there is none.
  public var ggufLacks: String? { Self.gguf.flatMap { $0.lacks(self) } }

  /// What rotary frequencies are divided by, one by one, which a GGUF file has as a tensor; nil: nothing.
  public var ggufRotaryFactors: [Float]? { Self.gguf.flatMap { $0.computed(self) } }
}

extension GGUFFormat {
  /// No head is wider.
  private static var mostFactors: Int { 65_536 }

  /// What a file says of its network, without the architecture's name before it.
  fileprivate func members(of file: GGUFReader) throws(WeightError) -> [String: JSONNode] {
    var members: [String: JSONNode] = [:]
    for (key, value) in file.metadata {
      if key.hasPrefix(name + ".") {
        members[String(key.dropFirst(name.count + 1))] = JSONNode(value)
      } else if key.hasPrefix("lockstep.") {
        members[key] = JSONNode(value)
      }
    }
    if members["vocab_size"] == nil, let rows = file.entry(named: GGUFFact.embedding)?.shape.first {
      members["vocab_size"] = .integer(rows)
    }
    let asked = Set(keys.flatMap(\.names))
    if asked.contains(GGUFFact.head) {
      members[GGUFFact.head] = .bool(file.entry(named: GGUFFact.head) != nil)
    }
    if asked.contains(GGUFFact.tokenTypes) {
      members[GGUFFact.tokenTypes] = file.entry(named: GGUFFact.tokenTypes).map {
        .integer($0.shape.count < 2 ? 1 : $0.shape[0])
      }
    }
    if asked.contains(GGUFFact.rotaryFactors),
      let entry = file.entry(named: GGUFFact.rotaryFactors), entry.shape.count == 1,
      let count = entry.shape.first, count <= Self.mostFactors
    {
      var factors = [Float](repeating: 0, count: count)
      try factors.withUnsafeMutableBufferPointer { (buffer) throws(WeightError) in
        try file.read(GGUFFact.rotaryFactors, shape: entry.shape, into: buffer)
      }
      members[GGUFFact.rotaryFactors] = .list(factors.map { .number(Double($0)) })
    }
    return members
  }
}

extension JSONNode {
  /// A value of a GGUF file's metadata; a long list is told, and not taken for a setting.
  fileprivate init(_ value: GGUFValue) {
    if let integer = value.integer {
      self = .integer(integer)
    } else if let number = value.number {
      self = .number(number)
    } else if let bool = value.bool {
      self = .bool(bool)
    } else if let text = value.text {
      self = .string(text)
    } else {
      self = .list([.string("\(value.type)")])
    }
  }
}

extension GGUFValue {
  /// What a description has; nil for nothing.
  fileprivate init?(_ node: JSONNode) {
    switch node {
    case .integer(let value): self = .uint32(UInt32(clamping: value))
    case .number(let value): self = .float32(Float(value))
    case .bool(let value): self = .bool(value)
    case .string(let value): self = .text(value)
    case .null, .list, .object: return nil
    }
  }
}
