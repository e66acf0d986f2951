import Foundation
import TestSupport
import Testing

/// The example packages that newcomers copy. Their programs are also targets of this package that
/// see nothing but what is public, so that they are built without building Lockstep once more.
@Suite(.serialized) struct ExamplePackageTests {
  private let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The word after a label at the beginning of a line.
  private func value(of label: String, in output: String) throws -> String {
    let lines = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let line = lines.first { $0.count == 2 && $0[0] == label }
    return try #require(line, "no line begins with \(label) in: \(output)")[1]
  }

  @Test func theExampleFindsTheLineOfLeastSquares() throws {
    let outcome = try MPIRunner.runAlone("linear-regression", [])
    #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
    #expect(outcome.output.hasPrefix("one process, without MPI\n"))
    let slope = try #require(Double(value(of: "slope", in: outcome.output)))
    let intercept = try #require(Double(value(of: "intercept", in: outcome.output)))
    // By the normal equations.
    #expect(abs(slope - 3.932409) < 1e-4)
    #expect(abs(intercept + 17.579095) < 1e-3)
  }

  @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
  func theExampleGivesTheSameBitsOnThreeRanks() throws {
    let alone = try MPIRunner.runAlone("linear-regression", [])
    let ranks = try MPIRunner(rankCount: 3).run("linear-regression", [])
    #expect(ranks.exitCode == 0, "\(ranks.errorOutput)")
    #expect(ranks.output.hasPrefix("3 ranks on 1 host, over MPI"))
    let label = "parameters_sha256"
    #expect(try value(of: label, in: ranks.output) == value(of: label, in: alone.output))
  }

  @Test func aModelOfOnesOwnIsFittedByABuiltInTask() throws {
    let table = repository.appendingPathComponent("configs/data/cars.csv").path
    let outcome = try MPIRunner.runAlone("own-model", [table])
    #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
    // By the normal equations, of speeds of mean 0 and deviation 1.
    for (label, expected) in [("a", 40.24112), ("b", 20.89631), ("c", 2.73888), ("r2", 0.667331)] {
      let found = try #require(Double(value(of: label, in: outcome.output)))
      #expect(abs(found - expected) < 1e-3, "\(label): \(found)")
    }
  }

  @Test func anOptimizerOfOnesOwnFindsTheLineOfLeastSquares() throws {
    let table = repository.appendingPathComponent("configs/data/cars.csv").path
    let outcome = try MPIRunner.runAlone("own-optimizer", [table])
    #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
    // By the normal equations: R², and the mean squared error.
    for (label, expected, error) in [("r2", 0.651079, 1e-5), ("loss", 227.0704, 1e-3)] {
      let found = try #require(Double(value(of: label, in: outcome.output)))
      #expect(abs(found - expected) < error, "\(label): \(found)")
    }
  }

  @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
  func theNetworkOfTheTutorialHasTheSameBitsOnTwoRanksAndGoesOn() throws {
    var hashes: [String] = []
    for ranks in 1...2 {
      let directory = try TemporaryDirectory()
      let outcome =
        ranks == 1
        ? try MPIRunner.runAlone("spirals", [directory.path])
        : try MPIRunner(rankCount: 2).run("spirals", [directory.path])
      #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
      #expect(outcome.errorOutput.contains("\(ranks) rank\(ranks == 1 ? "" : "s") on 1 host"))
      // A line of 96 held-out points; a coin would have half of them.
      #expect(try #require(Double(value(of: "accuracy", in: outcome.output))) > 0.9)
      hashes.append(try value(of: "parameters_sha256", in: outcome.output))
      let again = try MPIRunner.runAlone("spirals", [directory.path])
      #expect(again.errorOutput.contains("after step 600"))
      hashes.append(try value(of: "parameters_sha256", in: again.output))
    }
    #expect(Set(hashes).count == 1)
  }

  @Test func theTutorialShowsTheExampleAsItIs() throws {
    let folder = repository.appendingPathComponent("docs/examples/spirals")
    let sources = try [
      "Package.swift", "Sources/spirals/Network.swift", "Sources/spirals/Main.swift",
    ]
    .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    let page = try String(
      contentsOf: repository.appendingPathComponent("docs/tutorial.md"), encoding: .utf8)
    let blocks = page.components(separatedBy: "```swift\n").dropFirst()
      .map { String($0.prefix(upTo: $0.range(of: "\n```")!.lowerBound)) }
    #expect(blocks.count == 6)
    for block in blocks {
      #expect(sources.contains { $0.contains(block) }, "no file of the example has:\n\(block)")
    }
  }

  @Test(arguments: [
    ("linear-regression", ["Lockstep", "LockstepMPICommunication"]), ("own-model", ["Lockstep"]),
    ("own-optimizer", ["Lockstep"]), ("spirals", ["Lockstep", "LockstepMPICommunication"]),
  ])
  func theExampleNamesTheLibraryAsUsersDo(name: String, products: [String]) throws {
    let manifest = try manifest(
      of: repository.appendingPathComponent("docs/examples/\(name)"))
    let target = try #require((manifest["targets"] as? [[String: Any]])?.first)
    #expect(target["name"] as? String == name)
    #expect((manifest["targets"] as? [Any])?.count == 1)
    let dependencies = try #require(target["dependencies"] as? [[String: Any]])
    let named = try dependencies.map { dependency in
      try #require(dependency["product"] as? [Any]).compactMap { $0 as? String }
    }
    #expect(named == products.map { [$0, "lockstep"] })
  }

  /// What the package manager reads out of a Package.swift. Nothing is fetched or built for it.
  private func manifest(of package: URL) throws -> [String: Any] {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-example-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "--package-path", package.path, "--scratch-path", scratch.path,
      "dump-package",
    ]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
  }
}
