import Foundation

/// A self-contained page: style, data and script are inside, and nothing is loaded from elsewhere.
///
/// It follows the reader's choice of light or dark, and fits a phone. `page.css` beside this file has
/// the colours and the common elements.
public struct HTMLPage: Sendable {
  public var title: String
  /// Rules that only this page needs.
  public var style: String
  /// Markup between `<main>` and `</main>`.
  public var body: String
  /// JSON that the script finds as `data`.
  public var data: Data
  /// Plain JavaScript, run when everything else is there.
  public var script: String
  /// Of a page that a server delivers: only elements with this word are run, and the script may ask
  /// the server. Nil: a file, which asks nobody.
  public var nonce: String?

  /// - Parameters:
  ///   - title: Text, as the browser's tab shows it.
  ///   - style: CSS. Default: none.
  ///   - body: Markup; see `escaped(_:)`.
  ///   - data: JSON, UTF-8. Default: `null`.
  ///   - script: JavaScript. Default: none.
  ///   - nonce: Letters and digits that nobody can guess, new for each response. Default: none.
  public init(
    title: String, style: String = "", body: String, data: Data = Data("null".utf8),
    script: String = "", nonce: String? = nil
  ) {
    self.title = title
    self.style = style
    self.body = body
    self.data = data
    self.script = script
    self.nonce = nonce
  }

  /// What the browser is told to refuse: whatever is not in the page or from its server.
  package var policy: String {
    guard let nonce else {
      return
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    }
    return "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; "
      + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
  }

  /// Curves that can be zoomed, overlaid and asked for their values: the class `LineChart`, and what
  /// draws its axes. `data` and the rest of a page's script come after it.
  package static var chartScript: String {
    [PackageResources.axes_js, PackageResources.series_js, PackageResources.chart_js]
      .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
  }

  /// The rules that `chartScript` needs.
  package static var chartStyle: String {
    String(decoding: PackageResources.chart_css, as: UTF8.self)
  }

  /// Text as markup that shows it, also inside an attribute's quotes.
  public static func escaped(_ text: String) -> String {
    // By scalars: an accent behind a sign makes one character of both.
    text.unicodeScalars.reduce(into: "") { escaped, scalar in
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
  }

  /// The whole file, UTF-8.
  public var bytes: [UInt8] {
    let mark = nonce.map { " nonce=\"\(Self.escaped($0))\"" } ?? ""
    let head = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(Self.escaped(policy))">
      <title>\(Self.escaped(title))</title>
      <style\(mark)>
      \(String(decoding: PackageResources.page_css, as: UTF8.self))\(style)
      </style>
      </head>
      <body>
      <main>
      \(body)
      </main>
      <script type="application/json" id="data">

      """
    let tail = """

      </script>
      <script\(mark)>
      "use strict";
      const data = JSON.parse(document.getElementById("data").textContent);
      \(script)
      </script>
      </body>
      </html>

      """
    return Array(head.utf8) + Self.inScript(data) + Array(tail.utf8)
  }

  /// JSON without the characters that would end the element around it: `<` occurs in strings only,
  /// where it can be written by its number.
  private static func inScript(_ json: Data) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(json.count)
    let escape = Array(#"\u003c"#.utf8)
    for byte in json {
      if byte == UInt8(ascii: "<") { bytes += escape } else { bytes.append(byte) }
    }
    return bytes
  }
}
