import Foundation
import TestSupport
import Testing

/// `lockstep watch` and `lockstep report` beside a training of their own process.
extension CommandLineTests {
  @Suite struct WatchTests {
    /// The address that `lockstep watch` has printed.
    private func address(_ watch: RunningCommand) throws -> String {
      let line = try #require(watch.nextLine())
      try #require(line.hasPrefix("open       http://127.0.0.1:"), "\(line)")
      let second = try #require(watch.nextLine())
      #expect(second.contains("ssh -L "))
      return String(line.dropFirst("open".count)).trimmingCharacters(in: .whitespaces)
    }

    @Test(
      .enabled(
        if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
    func neitherMindsTheOthersEnd() throws {
      let bench = try Workbench()
      let alone = try bench.train("alone", Workbench.tiny)
      let watch = try bench.start(["watch", "watched", "--port", "0"])
      // A run must have begun before it can be named.
      let refusal = try watch.wait()
      #expect(refusal.exitCode == 2)
      #expect(refusal.errorOutput.contains("watched: no such directory"))

      let training = try bench.start(
        ["train", "run.yaml", "--json", "--output", "watched"] + Workbench.tiny, ranks: 2)
      training.awaitStep(2)
      let first = try bench.start(["watch", "watched"])
      let page = try BrowserSession()
      try page.visit(try address(first))
      // Whatever was lost with its server, the training goes on.
      try page.wait(until: "document.getElementById('heading').textContent", is: "watched")
      first.send(SIGKILL)
      _ = try first.wait()
      #expect(try training.wait().exitCode == 0)
      let watched = try bench.summary("watched")
      #expect(watched.parametersSHA256 == alone.parametersSHA256)

      let second = try bench.start(["watch", "watched"])
      try page.visit(try address(second))
      try page.wait(until: "document.querySelector('.state')?.textContent", is: "finished")
      let shown = try page.text("runs.get(0).tables.steps.curves.loss.mean.at(-1)")
      let loss = try #require(watched.loss)
      #expect(abs((Double(shown) ?? .nan) - loss) < 1e-6 * loss)
      #expect(try page.text("runs.get(0).tables.steps.steps.length") == "50")
      #expect(
        try page.text("document.getElementById('results').textContent")
          .contains(watched.parametersSHA256))
      second.send(SIGINT)
      let ending = try second.wait()
      #expect(ending.exitCode == 0)
      #expect(ending.errorOutput == "" && ending.output == "")
    }

    @Test(
      .enabled(
        if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
    func thePageOutlivesAKilledTraining() throws {
      let bench = try Workbench()
      let training = try bench.start(
        ["train", "run.yaml", "--json", "--output", "killed", "--steps", "100000"]
          + Workbench.tiny)
      training.awaitStep(2)
      let watch = try bench.start(["watch", "killed"])
      let page = try BrowserSession()
      let address = try address(watch)
      try page.visit(address)
      try page.wait(until: "document.querySelector('.state')?.textContent", is: "running")
      training.send(SIGKILL)
      _ = try training.wait()
      let lines = try bench.text("killed/metrics.jsonl").split(separator: "\n")
      let last = try #require(lines.last { $0.contains("gradient_norm") })
      let step = try #require(last.firstMatch(of: /"step":([0-9]+)/)?.output.1)
      try page.wait(
        until: "String(runs.get(0).tables.steps.steps.at(-1))", is: String(step))
      // A page that is opened now gets the same.
      try page.visit(address)
      try page.wait(
        until: "String(runs.get(0)?.tables.steps?.steps.at(-1))", is: String(step))
      watch.send(SIGINT)
      #expect(try watch.wait().exitCode == 0)
    }

    /// Whoever opens more connections than the server may have ends it, and that is said.
    @Test func aServerThatCanNotGoOnSaysSo() throws {
      let bench = try Workbench()
      try FileManager.default.createDirectory(
        atPath: bench.path("runs/one"), withIntermediateDirectories: true)
      try bench.write("steps: 1\n", to: "runs/one/config.yaml")
      let lockstep = try MPIRunner.product("lockstep").path
      let watch = try RunningCommand(
        ["sh", "-c", "ulimit -n 40; exec \(lockstep) watch runs"], in: bench.folder,
        timeout: .seconds(20))
      let port = try #require(URL(string: address(watch))?.port)
      let sockets = (0..<60).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
      defer { for socket in sockets { close(socket) } }
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = in_port_t(port).bigEndian
      place.sin_addr.s_addr = inet_addr("127.0.0.1")
      for socket in sockets {
        _ = withUnsafePointer(to: &place) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
      }
      let ending = try watch.wait()
      #expect(!ending.timedOut)
      #expect(ending.exitCode == 1)
      #expect(
        ending.errorOutput.contains("the page is no longer served: Too many open files"),
        "\(ending.errorOutput)")
    }

    @Test func aReportIsWrittenWholeOrNotAtAll() throws {
      let bench = try Workbench()
      let summary = try bench.train("run", Workbench.tiny)
      let ending = try bench.run(["report", "run", "--output", "run.html"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.hasPrefix("run.html: 1 run, "))
      #expect(try bench.text("run.html").contains(summary.parametersSHA256))
      let missing = try bench.run(["report", "nothing"])
      #expect(missing.exitCode == 2)
      #expect(missing.errorOutput.contains("nothing: no such directory"))
      #expect(!bench.exists("report.html"))
      let noRun = try bench.run(["report", "data", "--output", "x.html"])
      #expect(noRun.exitCode == 2)
      #expect(noRun.errorOutput.contains("data: neither a run nor a sweep"))
    }
  }
}
