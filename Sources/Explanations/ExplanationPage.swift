import Foundation
import LockstepFiles
import LockstepReporting

extension TextExplanation {
  /// The explanation as a page to be opened in a browser.
  public func page() throws -> HTMLPage {
    try HTMLPage(
      explaining: self, of: model.source, body: PackageResources.text_html,
      script: PackageResources.text_js)
  }
}

extension ImageExplanation {
  /// The explanation as a page to be opened in a browser.
  public func page() throws -> HTMLPage {
    try HTMLPage(
      explaining: self, of: model.source, body: PackageResources.image_html,
      script: PackageResources.image_js)
  }
}

extension RowExplanation {
  /// The explanation as a page to be opened in a browser.
  public func page() throws -> HTMLPage {
    try HTMLPage(
      explaining: self, of: model.source, body: PackageResources.row_html,
      script: PackageResources.row_js)
  }
}

extension HTMLPage {
  fileprivate init(
    explaining explanation: some Encodable, of source: String, body: [UInt8], script: [UInt8]
  ) throws {
    self.init(
      title: "Inside \(source)",
      style: String(decoding: PackageResources.explanation_css, as: UTF8.self),
      body: String(decoding: body, as: UTF8.self), data: try explanation.json(),
      script: String(decoding: PackageResources.explanation_js + script, as: UTF8.self))
  }
}

extension Encodable {
  /// One JSON object on a line, as the page holds it and `lockstep explain --json` prints it.
  fileprivate func json() throws -> Data {
    try JSONFormat.encoder().encode(self)
  }
}

extension TextExplanation: CustomStringConvertible {
  /// For the console.
  public var description: String {
    let maps = attention.reduce(0) { $0 + $1.headCount }
    let word = words["\(prediction.target.token)"] ?? ""
    let place = prediction.masked ? "at" : "after"
    return
      "\(tokens.count) tokens, \(maps) attention maps, \(lens.count) layers; \(place) position "
      + "\(prediction.position) \"\(word)\" "
      + String(
        format: "with %.1f %%, number %d", 100 * prediction.target.probability, prediction.rank)
  }
}

extension ImageExplanation: CustomStringConvertible {
  /// For the console.
  public var description: String {
    let maps = attention?.layers.reduce(0) { $0 + $1.headCount } ?? 0
    let target = prediction.target
    return
      "image \(image.index) of class \(prediction.classes[image.label]), \(maps) attention maps; "
      + String(
        format: "class %@ with %.1f %%", prediction.classes[target],
        100 * prediction.probabilities[target])
  }
}

extension RowExplanation: CustomStringConvertible {
  /// For the console.
  public var description: String {
    let place = "row \(row.index)"
    guard let prediction else {
      return place + String(format: ": %@ %.6g", row.target, value ?? .nan)
        + (row.value.map { String(format: ", the table says %.6g", $0) } ?? "")
    }
    let right = row.label.map { " of class \(prediction.classes[$0])" } ?? ""
    return place + right
      + String(
        format: "; class %@ with %.1f %%", prediction.classes[prediction.target],
        100 * prediction.probabilities[prediction.target])
  }
}
