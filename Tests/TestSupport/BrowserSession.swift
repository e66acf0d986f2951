import Foundation

/// A Chromium without a window in which a page stays open, so that it can be used and looked at while
/// it changes.
///
/// It is told what to do in the DevTools protocol, through two named pipes.
public final class BrowserSession {
  private let process = Process()
  private let ended = DispatchSemaphore(value: 0)
  private let folder: URL
  private let commands: FileHandle
  private let answers: FileHandle
  private var pending = Data()
  private var number = 0
  private var session: String?
  /// What the page's console said of errors.
  private var complaints: [String] = []

  /// How long anything may take.
  private static let patience = 60.0

  /// - Parameter browser: Width, height and appearance.
  public init(_ browser: HeadlessBrowser = HeadlessBrowser()) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-session-\(UUID().uuidString)")
    self.folder = folder
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let pipes = ["commands", "answers"].map { folder.appendingPathComponent($0).path }
    for pipe in pipes where mkfifo(pipe, 0o600) != 0 {
      throw MPIRunner.Failure(description: "\(pipe): no pipe: \(String(cString: strerror(errno)))")
    }
    // Read and write, so that opening does not wait for the browser, and its end shows as silence.
    let descriptors = pipes.map { open($0, O_RDWR | O_CLOEXEC) }
    commands = FileHandle(fileDescriptor: descriptors[0], closeOnDealloc: true)
    answers = FileHandle(fileDescriptor: descriptors[1], closeOnDealloc: true)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", #"exec "$0" "$@" 3<"$COMMANDS" 4>"$ANSWERS""#]
      + (try browser.command(profile: folder.appendingPathComponent("profile"))) + [
        "--remote-debugging-pipe", "about:blank",
      ]
    var environment = ProcessInfo.processInfo.environment
    (environment["COMMANDS"], environment["ANSWERS"]) = (pipes[0], pipes[1])
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let ended = ended
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    let targets = try call("Target.getTargets")["targetInfos"] as? [[String: Any]] ?? []
    guard let page = targets.first(where: { $0["type"] as? String == "page" }) else {
      throw MPIRunner.Failure(description: "the browser has no page")
    }
    let attached = try call(
      "Target.attachToTarget", ["targetId": page["targetId"] ?? "", "flatten": true])
    session = attached["sessionId"] as? String
    for domain in ["Page", "Runtime", "Log"] { _ = try call(domain + ".enable") }
  }

  deinit {
    // The program may be a script, whose end would not be the browser's.
    session = nil
    try? send("Browser.close", [:])
    if ended.wait(timeout: .now() + 20) == .timedOut { process.terminate() }
    try? FileManager.default.removeItem(at: folder)
  }

  // MARK: - Using the page

  /// Opens an address.
  public func visit(_ address: String) throws {
    let answer = try call("Page.navigate", ["url": address])
    if let problem = answer["errorText"] as? String,
      problem != "net::ERR_HTTP_RESPONSE_CODE_FAILURE"
    {
      throw MPIRunner.Failure(description: "\(address): \(problem)")
    }
  }

  /// The value of an expression in the page, as a text.
  ///
  /// - Throws: `MPIRunner.Failure` where it fails, or the page's own script has.
  public func text(_ expression: String) throws -> String {
    let answer = try call(
      "Runtime.evaluate",
      ["expression": "String(\(expression))", "awaitPromise": true, "returnByValue": true])
    if answer["exceptionDetails"] != nil {
      throw MPIRunner.Failure(description: "\(expression): \(answer)")
    }
    guard complaints.isEmpty else {
      throw MPIRunner.Failure(description: complaints.joined(separator: "\n"))
    }
    return (answer["result"] as? [String: Any])?["value"] as? String ?? ""
  }

  /// Waits until an expression has a value.
  ///
  /// The page is asked once for each picture that the browser draws.
  public func wait(until expression: String, is expected: String) throws {
    var last = ""
    complaints = []
    let end = Date().addingTimeInterval(Self.patience)
    while Date() < end {
      // A page that is being left forgets what it was asked.
      last = (try? text("(() => { try { return \(expression) } catch { return '' } })()")) ?? ""
      if last == expected { return }
      if !complaints.isEmpty { break }
      _ = try? text("new Promise(done => setTimeout(done, 20))")
    }
    throw MPIRunner.Failure(
      description: "\(expression) is \(last), not \(expected); \(complaints)")
  }

  /// Saves what the window shows as a PNG image.
  public func screenshot(to image: URL) throws {
    let answer = try call("Page.captureScreenshot")
    let data = (answer["data"] as? String).flatMap { Data(base64Encoded: $0) }
    guard let data else { throw MPIRunner.Failure(description: "no screenshot: \(answer)") }
    try data.write(to: image)
  }

  // MARK: - The protocol

  private func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    try send(method, parameters)
    while true {
      let answer = try nextMessage(after: method)
      if answer["id"] as? Int == number {
        if let error = answer["error"] {
          throw MPIRunner.Failure(description: "\(method): \(error)")
        }
        return answer["result"] as? [String: Any] ?? [:]
      }
      note(answer)
    }
  }

  private func send(_ method: String, _ parameters: [String: Any]) throws {
    number += 1
    var message: [String: Any] = ["id": number, "method": method, "params": parameters]
    if let session { message["sessionId"] = session }
    try commands.write(contentsOf: try JSONSerialization.data(withJSONObject: message) + [0])
  }

  private func nextMessage(after method: String) throws -> [String: Any] {
    while true {
      if let end = pending.firstIndex(of: 0) {
        let message = Data(pending[..<end])
        pending = Data(pending[pending.index(after: end)...])
        return try JSONSerialization.jsonObject(with: message) as? [String: Any] ?? [:]
      }
      var place = pollfd(fd: answers.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&place, 1, Int32(Self.patience * 1000)) > 0 else {
        throw MPIRunner.Failure(description: "the browser does not answer \(method)")
      }
      pending.append(answers.availableData)
    }
  }

  /// Keeps what went wrong in the page.
  private func note(_ event: [String: Any]) {
    let parameters = event["params"] as? [String: Any] ?? [:]
    switch event["method"] as? String {
    case "Runtime.exceptionThrown": complaints.append("\(parameters)")
    case "Log.entryAdded":
      let text = (parameters["entry"] as? [String: Any])?["text"] as? String ?? ""
      if text.contains("Content Security Policy") { complaints.append(text) }
    default: break
    }
  }
}
