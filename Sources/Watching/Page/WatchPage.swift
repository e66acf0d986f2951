import Foundation
import LockstepReporting

/// The page of runs: live from a server, or as a file with its data inside.
package enum WatchPage {
  /// The page that `lockstep watch` serves; what there is to show comes as events.
  ///
  /// - Parameter nonce: See `HTMLPage.nonce`.
  package static func live(nonce: String) -> HTMLPage {
    page(title: "Lockstep: runs", data: #"{"live":true}"#, nonce: nonce)
  }

  /// The page that `lockstep report` writes.
  ///
  /// - Parameters:
  ///   - messages: What a page that has been told nothing would be told.
  ///   - title: What the browser's tab shows.
  ///   - written: When, in seconds since 1970.
  package static func report(_ messages: [String], title: String, written: Double) -> HTMLPage {
    let list = messages.joined(separator: ",")
    return page(
      title: title, data: #"{"live":false,"written":\#(Int(written)),"messages":[\#(list)]}"#,
      nonce: nil)
  }

  private static func page(title: String, data: String, nonce: String?) -> HTMLPage {
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    return HTMLPage(
      title: title, style: HTMLPage.chartStyle + text(PackageResources.watch_css),
      body: text(PackageResources.watch_html), data: Data(data.utf8),
      script: [
        HTMLPage.chartScript, text(PackageResources.runs_js), text(PackageResources.curves_js),
        text(PackageResources.details_js), text(PackageResources.watch_js),
      ].joined(separator: "\n"), nonce: nonce)
  }
}
