import FlyingFox
import FlyingSocks
import Foundation
import LockstepReporting

/// Serves the page of runs to whoever has its address.
package final class WatchServer: Sendable {
  package let rules: AccessRules
  /// The server's address, in its one spelling.
  let host: String
  let runs: WatchedRuns
  private let port: UInt16
  private let server: HTTPServer

  /// - Parameters:
  ///   - host: An IP address of this machine, or `localhost`.
  ///   - port: 0: the system chooses one.
  /// - Throws: `WatchingError.host`.
  package init(_ runs: WatchedRuns, host: String, port: UInt16) throws(WatchingError) {
    (self.runs, self.host, self.port) = (runs, AccessRules.canonical(host), port)
    rules = AccessRules(host: host)
    server = HTTPServer(config: try Self.configuration(host: host, port: port))
  }

  private static func configuration(
    host: String, port: UInt16
  ) throws(WatchingError) -> HTTPServer.Configuration {
    let address = host == "localhost" ? "127.0.0.1" : host
    if let address = try? sockaddr_in.inet(ip4: address, port: port) {
      return .init(address: address, logger: .disabled)
    }
    if let address = try? sockaddr_in6.inet6(ip6: address, port: port) {
      return .init(address: address, logger: .disabled)
    }
    throw .host(host)
  }

  /// Whether nobody but this machine reaches a host's address.
  package static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host == "::1" || host.hasPrefix("127.")
  }

  // MARK: - Running

  /// Begins to answer.
  ///
  /// - Returns: The port, and the task that ends with the server.
  /// - Throws: `WatchingError`.
  package func start() async throws -> (port: Int, task: Task<Void, any Error>) {
    await server.appendRoute("*") { [self] request in await respond(to: request) }
    let task = Task { try await server.run() }
    let listening = Task { [server] in try await server.waitUntilListening(timeout: 60) }
    // A server that ends before it listens is not waited for.
    let ending = Task {
      _ = await task.result
      listening.cancel()
    }
    do {
      try await listening.value
    } catch {
      ending.cancel()
      task.cancel()
      if case .failure(let cause as SocketError) = await task.result { throw self.error(cause) }
      throw error
    }
    return (await listeningPort ?? Int(port), task)
  }

  private var listeningPort: Int? {
    get async {
      switch await server.listeningAddress {
      case .ip4(_, let port), .ip6(_, let port): Int(port)
      default: nil
      }
    }
  }

  private func error(_ error: SocketError) -> WatchingError {
    guard case .failed(_, let code, let message) = error else {
      return .notListening(host: host, port: Int(port), reason: error.localizedDescription)
    }
    switch code {
    case EADDRINUSE: return .addressInUse(host: host, port: Int(port))
    case EADDRNOTAVAIL: return .host(host)
    default: return .notListening(host: host, port: Int(port), reason: message)
    }
  }

  /// Reads what is in the runs' files, which the first page would otherwise wait for.
  package func lookAtRuns() async { await runs.look() }

  // MARK: - Answering

  private func respond(to request: HTTPRequest) async -> HTTPResponse {
    let refusal = rules.refusal(
      token: request.query["token"], host: request.headers[.host],
      site: request.headers[HTTPHeader("Sec-Fetch-Site")],
      mode: request.headers[HTTPHeader("Sec-Fetch-Mode")])
    if let refusal { return text("lockstep watch: \(refusal)\n", .forbidden) }
    guard request.method == .GET else {
      return text(
        "lockstep watch: only GET is answered\n", HTTPStatusCode(405, phrase: "Method Not Allowed"))
    }
    switch request.path {
    case "/": return page()
    case "/events":
      return response(.ok, "text/event-stream", HTTPBodySequence(from: EventBody(runs: runs)))
    case "/section": return await section(request)
    default: return text("lockstep watch: there is no such page\n", .notFound)
    }
  }

  private func page() -> HTTPResponse {
    let page = WatchPage.live(nonce: AccessRules.newToken())
    var response = response(
      .ok, "text/html; charset=utf-8", HTTPBodySequence(data: Data(page.bytes)))
    response.headers[HTTPHeader("Content-Security-Policy")] =
      page.policy + "; frame-ancestors 'none'"
    return response
  }

  private func section(_ request: HTTPRequest) async -> HTTPResponse {
    func number(_ name: String) -> Int? { request.query[name].flatMap { Int($0) } }
    guard let run = number("run"), let from = number("from"), let to = number("to"), from <= to
    else {
      return text("lockstep watch: expected run, from and to as whole numbers\n", .badRequest)
    }
    guard let json = await runs.section(ofRun: run, steps: from...to) else {
      return text("lockstep watch: there is no such run\n", .notFound)
    }
    return response(.ok, "application/json", HTTPBodySequence(data: Data(json.utf8)))
  }

  private func text(_ text: String, _ status: HTTPStatusCode) -> HTTPResponse {
    response(status, "text/plain; charset=utf-8", HTTPBodySequence(data: Data(text.utf8)))
  }

  /// An answer that nobody keeps, shows in a frame, or reads from another site.
  private func response(
    _ status: HTTPStatusCode, _ type: String, _ body: HTTPBodySequence
  ) -> HTTPResponse {
    HTTPResponse(
      statusCode: status,
      headers: [
        .contentType: type, .cacheControl: "no-store",
        HTTPHeader("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
        HTTPHeader("Cross-Origin-Opener-Policy"): "same-origin",
        HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin",
        HTTPHeader("Referrer-Policy"): "no-referrer",
        HTTPHeader("X-Content-Type-Options"): "nosniff",
        HTTPHeader("X-Frame-Options"): "DENY",
      ], body: body)
  }
}
