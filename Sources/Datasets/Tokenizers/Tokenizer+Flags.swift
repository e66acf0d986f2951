extension Tokenizer {
  /// What the tokenizer does to texts, by the keys that a `tokenizer_config.json` has for the same: only those
  /// that a tokenizer of its kind can have.
  public var flags: [String: Bool] {
    var flags = [
      "add_bos_token": !template.prefix.isEmpty, "add_eos_token": !template.suffix.isEmpty,
    ]
    switch self {
    case let tokenizer as WordPieceTokenizer:
      guard tokenizer.normalizer.steps.count == 1,
        case .bert(let bert)? = tokenizer.normalizer.steps.first
      else { break }
      flags["do_lower_case"] = bert.lowercases
      flags["strip_accents"] = bert.stripsAccents
      flags["tokenize_chinese_chars"] = bert.separatesIdeographs
    case let tokenizer as BytePairEncoding:
      flags["add_prefix_space"] = tokenizer.form.addsPrefixSpace
    case let tokenizer as SentencePieceTokenizer:
      flags["add_prefix_space"] =
        switch tokenizer.form.spaces {
        case .cutting(let prefix, _): prefix != .never
        case .normalizer: tokenizer.normalizer.steps.contains(.prepend("\u{2581}"))
        }
    default: break
    }
    return flags
  }
}
