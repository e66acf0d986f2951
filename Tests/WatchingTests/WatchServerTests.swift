import Foundation
import LockstepWatching
import TestSupport
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Who is answered, by real requests.
@Suite(.serialized)
struct WatchServerTests {
  private struct Answer {
    let status: Int
    let headers: [String: String]
    let body: String
  }

  /// Serves a directory of runs, hands on the server's address, and ends it.
  private func withServer(_ body: (ServedRuns) async throws -> Void) async throws {
    let files = try RunFiles()
    try files.begin("run")
    try files.append((1...50).map { RunFiles.step($0, loss: Double($0)) }.joined(), to: "run")
    let server = try ServedRuns(files.path)
    defer { server.end() }
    try await body(server)
  }

  private func get(
    _ port: Int, _ path: String, method: String = "GET", headers: [String: String] = [:]
  ) async throws -> Answer {
    let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
    var request = URLRequest(url: url)
    request.httpMethod = method
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let (data, response) = try await URLSession.shared.data(for: request)
    let answer = try #require(response as? HTTPURLResponse)
    let pairs = answer.allHeaderFields.map { ("\($0)".lowercased(), "\($1)") }
    return Answer(
      status: answer.statusCode, headers: Dictionary(pairs) { first, _ in first },
      body: String(decoding: data, as: UTF8.self))
  }

  @Test func onlyWhoHasTheTokenIsAnswered() async throws {
    try await withServer { server in
      let port = server.port
      let token = server.token
      #expect(token.count >= 32)
      let page = try await get(port, "/?token=\(token)")
      #expect(page.status == 200)
      #expect(page.body.contains("<!doctype html>"))
      let almost = String(token.dropLast()) + (token.hasSuffix("0") ? "1" : "0")
      for query in [
        "", "?token=", "?token=\(almost)", "?token=\(token)0", "?token=\(token.dropLast())",
      ] {
        for path in ["/", "/events", "/section", "/elsewhere"] {
          let answer = try await get(port, path + query)
          #expect(answer.status == 403, "\(path)\(query)")
          #expect(!answer.body.contains(token) && !answer.body.contains("<"))
        }
      }
      #expect(try await get(port, "/elsewhere?token=\(token)").status == 404)
      #expect(try await get(port, "/?token=\(token)", method: "POST").status == 405)
    }
  }

  @Test func aForeignHostOrSiteIsRefused() async throws {
    try await withServer { server in
      let port = server.port
      let path = "/?token=\(server.token)"
      for host in ["evil.example", "evil.example:\(port)", "127.0.0.1.evil.example", "[::1", ""] {
        let answer = try await get(port, path, headers: ["Host": host])
        #expect(answer.status == 403 || host.isEmpty, "\(host)")
      }
      for host in ["localhost", "LOCALHOST:9", "127.0.0.1:1234", "[::1]:80"] {
        #expect(try await get(port, path, headers: ["Host": host]).status == 200, "\(host)")
      }
      let foreign = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"]
      #expect(try await get(port, path, headers: foreign).status == 403)
      let link = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"]
      #expect(try await get(port, path, headers: link).status == 200)
    }
  }

  @Test func nobodyKeepsOrEmbedsAnAnswer() async throws {
    try await withServer { server in
      let port = server.port
      let token = server.token
      for path in ["/?token=\(token)", "/section?token=\(token)&run=0&from=1&to=2", "/"] {
        let headers = try await get(port, path).headers
        #expect(headers["cache-control"] == "no-store")
        #expect(headers["referrer-policy"] == "no-referrer")
        #expect(headers["x-content-type-options"] == "nosniff")
        #expect(headers["cross-origin-resource-policy"] == "same-origin")
        #expect(headers["content-security-policy"]?.contains("default-src 'none'") == true)
        #expect(headers["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
        #expect(headers.keys.allSatisfy { !$0.hasPrefix("access-control") })
      }
      // The word that lets scripts run is another one each time.
      let policies = try await [get(port, "/?token=\(token)"), get(port, "/?token=\(token)")]
        .map { $0.headers["content-security-policy"] }
      #expect(policies[0] != policies[1])
    }
  }

  @Test func aRangeHasAllItsPoints() async throws {
    try await withServer { server in
      let port = server.port
      let token = server.token
      let query = "/section?token=\(token)&run=0&from=10&to=12"
      var answer = try await get(port, query)
      // The runs are known as soon as they have been looked at, which begins with the server.
      for _ in 0..<1000 where answer.status == 404 { answer = try await get(port, query) }
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
      let steps = try #require(object["steps"] as? [String: Any])
      // One more to either side.
      #expect(steps["steps"] as? [Int] == [9, 10, 11, 12])
      #expect(try await get(port, "/section?token=\(token)&run=9&from=1&to=2").status == 404)
      #expect(try await get(port, "/section?token=\(token)&run=0&from=2&to=1").status == 400)
      #expect(try await get(port, "/section?token=\(token)&run=0&from=x&to=1").status == 400)
    }
  }

  @Test func aPortInUseAndAForeignAddressAreTold() async throws {
    try await withServer { server in
      let port = server.port
      let second = try WatchServer(
        WatchedRuns(RunSearch(paths: [])), host: "127.0.0.1", port: UInt16(port))
      await #expect(throws: WatchingError.addressInUse(host: "127.0.0.1", port: port)) {
        _ = try await second.start()
      }
    }
    #expect(throws: WatchingError.host("nobody.example")) {
      _ = try WatchServer(WatchedRuns(RunSearch(paths: [])), host: "nobody.example", port: 0)
    }
    let elsewhere = try WatchServer(
      WatchedRuns(RunSearch(paths: [])), host: "192.0.2.1", port: 0)
    await #expect(throws: WatchingError.host("192.0.2.1")) { _ = try await elsewhere.start() }
  }

  /// Browsers write the shortest form of an address, whatever was given.
  @Test(arguments: ["0:0:0:0:0:0:0:1", "0::0001", "::1"])
  func anAddressIsKnownInEverySpelling(host: String) throws {
    let runs = WatchedRuns(RunSearch(paths: []))
    let server = try WatchServer(runs, host: host, port: 0)
    let rules = server.rules
    for name in ["[::1]:80", "[0:0:0:0:0:0:0:1]", "localhost"] {
      #expect(rules.refusal(token: rules.token, host: name, site: nil, mode: nil) == nil, "\(name)")
    }
    #expect(rules.refusal(token: rules.token, host: "[::2]", site: nil, mode: nil) != nil)
    #expect(server.address(port: 80).lines[0] == "open       http://[::1]:80/?token=\(rules.token)")
    #expect(server.address(port: 80).lines[1].hasPrefix("elsewhere"))
  }

  @Test func anAddressOfManySpellingsIsKnownWhereItIsGiven() throws {
    let rules = AccessRules(host: "2001:DB8:0:0::7", token: "t")
    for name in ["[2001:db8::7]:80", "[2001:0db8::0007]"] {
      #expect(rules.refusal(token: "t", host: name, site: nil, mode: nil) == nil, "\(name)")
    }
    #expect(
      AccessRules(host: "0::0", token: "t").refusal(
        token: "t", host: "[2001:db8::7]", site: nil, mode: nil) == nil)
  }

  @Test func theAddressTellsHowToComeFromElsewhere() {
    func lines(_ host: String) -> [String] {
      WatchServer.Address(host: host, port: 80, token: "t", machine: "node", user: "me").lines
    }
    #expect(lines("127.0.0.1")[0] == "open       http://127.0.0.1:80/?token=t")
    #expect(lines("127.0.0.1")[1].contains("ssh -L 80:127.0.0.1:80 me@node"))
    #expect(lines("::1")[0].hasSuffix("http://[::1]:80/?token=t"))
    #expect(lines("0.0.0.0")[0].hasSuffix("http://node:80/?token=t"))
    #expect(lines("0.0.0.0")[1].hasPrefix("warning"))
    #expect(lines("192.168.1.5")[1].hasPrefix("warning"))
  }
}
