import LockstepWatching
import TestSupport
import Testing

struct RunSearchTests {
  @Test func runsAreFoundInAllThatIsGiven() throws {
    let files = try RunFiles()
    for run in ["runs/a", "runs/deep/er/b", "sweep/trials/0001", "sweep/trials/0002/fold-0"] {
      try files.begin(run)
    }
    try files.directory.write("sweep/sweep.yaml", "metric: accuracy\n")
    try files.directory.write("runs/notes.txt", "")
    let root = files.path
    func found(_ paths: String...) -> [String] {
      RunSearch(paths: paths.map { root + "/" + $0 }).runs().map(\.name)
    }
    #expect(found("runs") == ["a", "deep/er/b"])
    #expect(found("runs/") == ["a", "deep/er/b"])
    #expect(found("runs/a") == [root + "/runs/a"])
    #expect(found("sweep") == ["sweep/trials/0001", "sweep/trials/0002/fold-0"])
    // Once each, also where one path holds the other.
    #expect(RunSearch(paths: [root, root + "/runs"]).runs().count == 4)
    let trials = RunSearch(paths: [root + "/sweep"]).runs()
    #expect(trials.allSatisfy { $0.sweep == root + "/sweep" })
    #expect(RunSearch(paths: [root]).sweeps() == [root + "/sweep"])
    #expect(RunSearch(paths: [root + "/runs/a"]).runs().first?.sweep == nil)
  }

  @Test func whatHoldsNoRunIsRefused() throws {
    let files = try RunFiles()
    try files.directory.write("empty/file.txt", "")
    let (empty, missing) = (files.path + "/empty", files.path + "/missing")
    #expect(throws: WatchingError.noRun(path: empty)) {
      try RunSearch(paths: [empty]).requireRuns()
    }
    #expect(throws: WatchingError.missing(path: missing)) {
      try RunSearch(paths: [missing]).requireRuns()
    }
    #expect(WatchingError.noRun(path: empty).description.contains("give one that"))
    // Where nothing was given, runs may be still to come.
    try RunSearch(paths: []).requireRuns()
  }

  @Test(arguments: [
    ("metric: accuracy\ngoal: null\n", "accuracy", "max"),
    ("metric: loss\ngoal: null\n", "loss", "min"), ("goal: max\n", "validation_loss", "max"),
    ("metric: own\n", "own", "min"),
    ("method: range-test\nmetric: r2\ngoal: null\n", "loss", "min"),
  ])
  func aSweepTellsHowItsTrialsAreCompared(yaml: String, metric: String, goal: String) async throws {
    let files = try RunFiles()
    try files.begin("sweep/trials/0001")
    try files.directory.write("sweep/sweep.yaml", yaml)
    let runs = WatchedRuns(RunSearch(paths: [files.path]))
    let messages = await runs.news(since: WatchedRuns.Told()).messages
    let message = try #require(messages.first { $0.hasPrefix(#"{"sweep":"#) })
    #expect(message.contains(#""metric":"\#(metric)""#), "\(message)")
    #expect(message.contains(#""goal":"\#(goal)""#), "\(message)")
  }
}
