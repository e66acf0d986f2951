import Foundation

/// What a browser made of a page.
struct ShownPage {
  let html: String

  /// As the pages show a token's blanks.
  static func visible(_ text: String) -> String {
    text.replacing(" ", with: "·").replacing("\n", with: "↵").replacing("\t", with: "⇥")
  }

  var title: String { between("<title>", "</title>", in: html) }

  func count(of text: String) -> Int { html.components(separatedBy: text).count - 1 }

  /// The markup inside the element of this id.
  func inside(id: String) -> String {
    guard let start = html.range(of: #" id="\#(id)""#),
      let tagStart = html[..<start.lowerBound].lastIndex(of: "<"),
      let open = html[start.upperBound...].firstIndex(of: ">")
    else { return "" }
    let tag = html[html.index(after: tagStart)...].prefix { $0.isLetter || $0.isNumber }
    // Counts elements of the same kind inside.
    var depth = 1
    var rest = html.index(after: open)
    while let next = html.range(
      of: #"</?\#(tag)[ >]"#, options: .regularExpression, range: rest..<html.endIndex)
    {
      depth += html[next].hasPrefix("</") ? -1 : 1
      if depth == 0 { return String(html[html.index(after: open)..<next.lowerBound]) }
      rest = next.upperBound
    }
    return ""
  }

  func text(ofID id: String) -> String { Self.text(inside(id: id)) }

  /// The text of each `span` of exactly this class inside the element of this id.
  func texts(ofClass name: String, inID id: String) -> [String] {
    inside(id: id).components(separatedBy: #" class="\#(name)""#).dropFirst().map { part in
      Self.text(between(">", "</span>", in: part))
    }
  }

  private func between(_ start: String, _ end: String, in text: String) -> String {
    guard let from = text.range(of: start),
      let to = text.range(of: end, range: from.upperBound..<text.endIndex)
    else { return "" }
    return String(text[from.upperBound..<to.lowerBound])
  }

  private static func text(_ markup: String) -> String {
    markup.replacing(/<[^>]*>/, with: "").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
      .replacing("&nbsp;", with: "\u{A0}").replacing("&amp;", with: "&")
  }
}
