import FlyingSocks
import Foundation
import LockstepTraining

extension WatchServer {
  /// Where the page is, for the person who opens it.
  package struct Address: Equatable, Sendable {
    let host: String
    package let port: Int
    let token: String
    /// The name of this machine.
    let machine: String
    let user: String

    package init(host: String, port: Int, token: String, machine: String, user: String) {
      (self.host, self.port, self.token) = (host, port, token)
      (self.machine, self.user) = (machine, user)
    }

    package var url: String {
      let name =
        switch host {
        case "0.0.0.0", "::": machine
        case _ where host.contains(":"): "[\(host)]"
        default: host
        }
      return "http://\(name):\(port)/?token=\(token)"
    }

    /// What the command prints.
    package var lines: [String] {
      if WatchServer.isLoopback(host) {
        let inside = host.contains(":") ? "[\(host)]" : host
        return [
          "open       \(url)",
          "elsewhere  ssh -L \(port):\(inside):\(port) \(user)@\(machine), then open "
            + "http://localhost:\(port)/?token=\(token)",
        ]
      }
      return [
        "open       \(url)",
        "warning    other machines reach this page: whoever learns the address, which travels "
          + "unencrypted, can read all that it shows; --host 127.0.0.1 and ssh -L are safe",
      ]
    }
  }

  /// Answers until a signal asks for the end.
  ///
  /// - Parameter announce: Called as soon as the page can be opened.
  /// - Throws: `WatchingError`, what `announce` throws; `ServerEndedError` where the server ends by itself.
  package func serve(_ announce: @escaping @Sendable (Address) throws -> Void) throws {
    let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
    let listener = StopRequest.listen { continuation.yield($0) }
    try withExtendedLifetime(listener) {
      try Waiting.forResult { [self] in
        let (port, task) = try await start()
        defer { task.cancel() }
        try announce(address(port: port))
        let reading = Task { await lookAtRuns() }
        defer { reading.cancel() }
        let ending = Task {
          let reason = await task.result.reason
          continuation.finish()
          return reason
        }
        for await _ in signals { return }
        throw ServerEndedError(reason: await ending.value)
      }
    }
  }

  package func address(port: Int) -> Address {
    Address(
      host: host, port: port, token: rules.token, machine: ProcessInfo.processInfo.hostName,
      user: ProcessInfo.processInfo.userName)
  }
}

/// The server has ended, and nobody has asked for that.
struct ServerEndedError: Error, CustomStringConvertible {
  let reason: String

  var description: String {
    "the page is no longer served: \(reason); start lockstep watch again"
  }
}

extension Result where Success == Void, Failure == any Error {
  /// Why a server ended.
  fileprivate var reason: String {
    switch self {
    case .success: "the server has stopped"
    case .failure(SocketError.failed(_, _, let message)): message
    case .failure(let error): error.localizedDescription
    }
  }
}
