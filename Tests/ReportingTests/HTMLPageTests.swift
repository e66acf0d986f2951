import Foundation
import LockstepReporting
import TestSupport
import Testing

@Suite(
  .serialized,
  .enabled(
    if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
struct HTMLPageTests {
  /// Writes a page, hands on where it is, and removes it.
  private func withFile(_ page: HTMLPage, _ body: (URL) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-page-\(UUID().uuidString).html")
    try Data(page.bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    try body(file)
  }

  @Test func theScriptFindsTheDataWhateverTheyHold() throws {
    let text = #"</script><b> & "quoted" \ é 😀"#
    let page = HTMLPage(
      title: "a < b & c", body: "<p id=\"shown\"></p>",
      data: try JSONEncoder().encode([text]),
      script: """
        document.getElementById("shown").textContent = data[0] + location.hash + innerWidth;
        """)
    try withFile(page) { file in
      let document = try HeadlessBrowser(width: 390).document(of: file, fragment: "here")
      #expect(document.contains("<title>a &lt; b &amp; c</title>"))
      #expect(
        document.contains(
          #"<p id="shown">&lt;/script&gt;&lt;b&gt; &amp; "quoted" \ é 😀#here390</p>"#))
    }
  }

  @Test func aPictureHasTheShadesThatItWasMadeOf() throws {
    let pixels: [UInt8] = [0, 255, 17, 128, 3, 200]
    let picture = GrayImage(width: 3, height: 2, pixels: pixels)
    let page = HTMLPage(
      title: "", body: "<p id=\"shown\"></p><img id=\"picture\" alt=\"\">",
      data: try JSONEncoder().encode(Data(picture.png).base64EncodedString()),
      script: """
        const picture = document.getElementById("picture");
        picture.addEventListener("load", () => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
          const context = canvas.getContext("2d");
          context.drawImage(picture, 0, 0);
          const found = context.getImageData(0, 0, canvas.width, canvas.height).data;
          const shades = [...found].filter((_, index) => index % 4 === 1);
          document.getElementById("shown").textContent = `${canvas.width} ${canvas.height}: ${shades}`;
        });
        picture.src = "data:image/png;base64," + data;
        """)
    try withFile(page) { file in
      let document = try HeadlessBrowser().document(of: file)
      let shades = pixels.map(String.init).joined(separator: ",")
      #expect(document.contains(">3 2: \(shades)</p>"), "\(document)")
    }
  }

  @Test func escapedTextIsShownAsItIs() throws {
    let text = #"<i title='x'> & "y""#
    let page = HTMLPage(
      title: "", body: "<p id=\"shown\" title=\"\(HTMLPage.escaped(text))\"></p>",
      data: try JSONEncoder().encode([text]),
      script: """
        const shown = document.getElementById("shown");
        shown.textContent = shown.title === data[0];
        """)
    try withFile(page) { file in
      let document = try HeadlessBrowser().document(of: file)
      #expect(document.contains(">true</p>"))
    }
  }

  @Test(arguments: HeadlessBrowser.Appearance.allCases)
  func coloursFollowTheReader(_ appearance: HeadlessBrowser.Appearance) throws {
    let page = HTMLPage(
      title: "colours", body: "<p id=\"shown\"></p>",
      script: """
        document.getElementById("shown").textContent =
          getComputedStyle(document.body).backgroundColor;
        """)
    try withFile(page) { file in
      let document = try HeadlessBrowser(appearance: appearance).document(of: file)
      #expect(
        document.contains(appearance == .dark ? ">rgb(19, 21, 24)<" : ">rgb(251, 251, 250)<"))
      let image = file.deletingPathExtension().appendingPathExtension("png")
      defer { try? FileManager.default.removeItem(at: image) }
      try HeadlessBrowser(appearance: appearance).screenshot(of: file, to: image)
      #expect(try Data(contentsOf: image).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
  }

  @Test func nothingIsLoadedAndFailingScriptsAreTold() throws {
    let elsewhere = HTMLPage(title: "", body: #"<img src="https://example.org/a.png">"#)
    let broken = HTMLPage(title: "", body: "", script: "nothing.there();")
    try withFile(elsewhere) { file in
      #expect(throws: MPIRunner.Failure.self) { _ = try HeadlessBrowser().document(of: file) }
    }
    try withFile(broken) { file in
      #expect(throws: MPIRunner.Failure.self) { _ = try HeadlessBrowser().document(of: file) }
    }
  }
}

struct EscapedTextTests {
  /// An accent makes one character of itself and the sign before it.
  @Test func signsAreEscapedBeforeAccents() {
    let escaped = HTMLPage.escaped("<\u{301} >\u{301} &\u{301} \"\u{301}")
    #expect(
      Array(escaped.utf8) == Array("&lt;\u{301} &gt;\u{301} &amp;\u{301} &quot;\u{301}".utf8))
  }
}
