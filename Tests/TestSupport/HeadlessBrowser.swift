import Foundation

/// Opens a page in a Chromium without a window, as a reader would see it.
public struct HeadlessBrowser: Sendable {
  /// What the reader prefers, by Chromium's numbers.
  public enum Appearance: Int, Sendable, CaseIterable {
    case dark = 0
    case light = 1
  }

  /// Of the window, in pixels.
  public var width: Int
  /// Of the window, in pixels; a screenshot shows as much.
  public var height: Int
  public var appearance: Appearance

  /// - Parameters:
  ///   - width: A phone has about 390 pixels. Default: 1200.
  ///   - height: Default: 900.
  ///   - appearance: Default: light.
  public init(width: Int = 1200, height: Int = 900, appearance: Appearance = .light) {
    self.width = width
    self.height = height
    self.appearance = appearance
  }

  /// The programs that will do, the smallest first.
  private static let programs = [
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
  ]

  private static var program: URL? { programs.lazy.compactMap(MPIRunner.path(of:)).first }

  /// Whether there is a browser. Tests of pages are `.enabled(if: HeadlessBrowser.isAvailable,
  /// "no Chromium is installed; launch/test.sh installs one")`.
  public static var isAvailable: Bool { program != nil }

  /// What is on the page after its scripts have run, as HTML.
  ///
  /// - Parameters:
  ///   - page: A local file.
  ///   - fragment: What follows `#` in the address; nil: nothing.
  /// - Throws: `MPIRunner.Failure` where the browser fails, or a script of the page.
  public func document(of page: URL, fragment: String? = nil) throws -> String {
    try run(page, fragment, ["--dump-dom"])
  }

  /// Saves what the window shows as a PNG image.
  ///
  /// - Parameters:
  ///   - page, fragment: As of `document(of:fragment:)`.
  ///   - image: The file to write.
  /// - Throws: As `document(of:fragment:)`.
  public func screenshot(of page: URL, fragment: String? = nil, to image: URL) throws {
    _ = try run(page, fragment, ["--hide-scrollbars", "--screenshot=\(image.path)"])
    guard FileManager.default.fileExists(atPath: image.path) else {
      throw MPIRunner.Failure(description: "\(image.path): the browser made no screenshot")
    }
  }

  /// The program and what it is told in any case.
  ///
  /// - Parameter profile: A directory of its own.
  func command(profile: URL) throws -> [String] {
    guard let program = Self.program else {
      throw MPIRunner.Failure(description: "no Chromium is installed")
    }
    // The sandbox needs what containers forbid and refuses root; the pages are our own. The default
    // shared memory of a container is too small.
    return [
      program.path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--no-first-run", "--enable-logging=stderr", "--user-data-dir=\(profile.path)",
      "--window-size=\(width),\(height)",
      "--blink-settings=preferredColorScheme=\(appearance.rawValue)",
    ]
  }

  private func run(_ page: URL, _ fragment: String?, _ options: [String]) throws -> String {
    let profile = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-browser-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: profile) }
    let command = try command(profile: profile)
    let address = page.absoluteString + (fragment.map { "#" + $0 } ?? "")
    let outcome = try MPIRunner.run(
      URL(fileURLWithPath: command[0]), command.dropFirst() + options + [address],
      timeout: .seconds(60))
    guard outcome.exitCode == 0, !outcome.timedOut else {
      throw MPIRunner.Failure(
        description: "\(command[0]) failed on \(address): \(outcome.errorOutput)")
    }
    // Only the console's messages: the browser itself complains about much that a container lacks.
    let complaints = outcome.errorOutput.split(separator: "\n").filter {
      $0.contains("CONSOLE")
        && ($0.contains("Uncaught") || $0.contains("Content Security Policy"))
    }
    guard complaints.isEmpty else {
      throw MPIRunner.Failure(description: complaints.joined(separator: "\n"))
    }
    return outcome.output
  }
}
