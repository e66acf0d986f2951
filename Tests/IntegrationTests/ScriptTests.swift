import Foundation
import TestSupport
import Testing

/// Scripts, with stand-ins for the programs that they start.
@Suite struct ScriptTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A repository of nothing but scripts, in `repository`, with stand-ins in `bin` and a folder `elsewhere`.
  private final class Bench {
    let folder: URL

    /// - Parameters:
    ///   - scripts: What is copied, by paths in the repository.
    ///   - programs: Stand-ins, in the shell's language, by their names.
    init(scripts: [String], programs: [String: String]) throws {
      folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("lockstep-scripts-\(UUID().uuidString)")
      for name in ["bin", "elsewhere"] { try makeFolder(name) }
      for script in scripts {
        try makeFolder("repository/\(script.split(separator: "/").dropLast().joined())")
        try FileManager.default.copyItem(
          at: ScriptTests.repository.appendingPathComponent(script),
          to: folder.appendingPathComponent("repository/\(script)"))
      }
      for (name, body) in programs { try writeProgram("bin/\(name)", body) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func makeFolder(_ name: String) throws {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }

    func write(_ text: String, to name: String) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    func writeProgram(_ name: String, _ body: String) throws {
      try write("#!/bin/sh\n\(body)\n", to: name)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder.appendingPathComponent(name).path)
    }

    func exists(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }

    /// Runs a command in one of the folders, the stand-ins before all other programs.
    func run(
      _ command: [String], in place: String, _ variables: [String: String] = [:]
    ) throws -> RunningCommand.Ending {
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      let settings =
        ["PATH=\(folder.path)/bin:\(path)"] + variables.map { "\($0.key)=\($0.value)" }
      return try RunningCommand(
        ["env", "-u", "LOCKSTEP"] + settings + command,
        in: folder.appendingPathComponent(place), timeout: .seconds(60)
      ).wait()
    }
  }

  /// The scripts of a folder and of those below it, the ones that are sourced included.
  private static func files(in folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(
      atPath: repository.appendingPathComponent(folder).path
    ).map { "\(folder)/\($0)" }.filter { !$0.contains("/.") }
  }

  private static func text(_ file: String) -> String {
    (try? String(contentsOf: repository.appendingPathComponent(file), encoding: .utf8)) ?? ""
  }

  @Test(arguments: ["scripts", "launch", "Benchmarks", ".ci"])
  func whatBeginsWithAnInterpreterCanBeStarted(folder: String) throws {
    let scripts = try Self.files(in: folder).filter { Self.text($0).hasPrefix("#!") }
    #expect(!scripts.isEmpty)
    #expect(
      scripts.filter {
        !FileManager.default.isExecutableFile(
          atPath: Self.repository.appendingPathComponent($0).path)
      } == [])
  }

  @Test func anExportedCDPATHChangesNothing() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/local.sh"],
      programs: ["mpirun": #"printf '[%s]' "$@""#])
    try bench.makeFolder("repository/.build/release")
    try bench.writeProgram("repository/.build/release/lockstep", "")
    let ending = try bench.run(
      ["bash", "launch/local.sh", "2", "a.yaml"], in: "repository", ["CDPATH": "."])
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    #expect(
      ending.output.contains("repository/.build/release/lockstep][train][a.yaml]"),
      "\(ending.output)")
  }

  /// Where each script finds itself by `cd`.
  @Test func whoeverGoesToItsOwnFolderLeavesCDPATHOut() throws {
    let scripts = try ["scripts", "launch", "Benchmarks", ".ci"].flatMap(Self.files)
    let going = scripts.filter { Self.text($0).contains("cd \"$(dirname") }
    #expect(going.count > 3)
    for script in going {
      let lines = Self.text(script).split(separator: "\n")
      let place = try #require(lines.firstIndex { $0.contains("cd \"$(dirname") })
      #expect(lines[..<place].contains("unset CDPATH"), "\(script)")
    }
  }

  /// A launcher is not in its terminal's foreground, and may write all the same.
  @Test(.enabled(if: MPIRunner.path(of: "script") != nil, "needs script, of util-linux"))
  func aTerminalThatStopsItsBackgroundDoesNotStopALauncher() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/local.sh"],
      programs: ["mpirun": "echo launched", "lockstep": ""])
    let ending = try bench.run(
      ["script", "-qec", "stty tostop && bash launch/local.sh 2 a.yaml", "/dev/null"],
      in: "repository", ["LOCKSTEP": bench.folder.path + "/bin/lockstep"])
    #expect(ending.exitCode == 0 && !ending.timedOut, "\(ending.output)")
    #expect(ending.output.contains("launched"))
  }

  /// By Ctrl-C the shell and what it runs get a signal.
  @Test(arguments: ["INT", "TERM", "HUP"])
  func picturesLeaveNothingBehindWhenTheyAreStopped(_ signal: String) throws {
    let bench = try Bench(
      scripts: ["scripts/watch_pictures.sh"],
      programs: ["mpirun": "kill -\(signal) $PPID", "chromium": "", "lockstep": ""])
    let ending = try bench.run(
      ["sh", "scripts/watch_pictures.sh"], in: "repository",
      ["TMPDIR": bench.folder.path + "/elsewhere"])
    #expect(ending.exitCode != 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: bench.folder.path + "/elsewhere") == [])
  }

  @Test(arguments: ["KUBERNETES_SERVICE_HOST", "APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"])
  func containersAreToldByTheirVariables(_ variable: String) throws {
    let bench = try Bench(scripts: ["launch/common.sh"], programs: [:])
    let names = ["KUBERNETES_SERVICE_HOST", "APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"]
    let found = try ["", "x"].map { value in
      let variables = Dictionary(
        uniqueKeysWithValues: names.map { ($0, $0 == variable ? value : "") })
      return try bench.run(
        ["bash", "-c", "source launch/common.sh && in_container /nowhere"], in: "repository",
        variables
      ).exitCode
    }
    #expect(found == [1, 0])
  }

  @Test func aRelativePrefixIsWhereTheInstallerWasCalled() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/install.sh"],
      programs: ["swift": "", "git": "", "pkg-config": "", "mpirun": ""])
    try bench.makeFolder("repository/.build/release")
    try bench.writeProgram("repository/.build/release/lockstep", "echo completion")
    try bench.makeFolder("repository/.build/plugins/GenerateManual")
    try bench.write("manual", to: "repository/.build/plugins/GenerateManual/lockstep.1")
    let command = ["bash", "../repository/launch/install.sh", "--prefix", "here"]
    let files = ["bin/lockstep", "share/man/man1/lockstep.1", "share/zsh/site-functions/_lockstep"]

    let installed = try bench.run(command, in: "elsewhere")
    #expect(installed.exitCode == 0, "\(installed.errorOutput)")
    #expect(files.allSatisfy { bench.exists("elsewhere/here/\($0)") })
    #expect(!bench.exists("repository/here"))
    let removed = try bench.run(command + ["--remove"], in: "elsewhere")
    #expect(removed.exitCode == 0, "\(removed.errorOutput)")
    #expect(files.allSatisfy { !bench.exists("elsewhere/here/\($0)") })
  }

  @Test func theInstallerInstallsWhatItBuiltWhateverElseIsUsed() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/install.sh"],
      programs: [
        "git": "", "pkg-config": "", "mpirun": "",
        // As where an older program is replaced.
        "swift": """
        [ "$1" = build ] || exit 0
        printf '#!/bin/sh\necho new\n' >.build/release/lockstep
        chmod +x .build/release/lockstep
        """,
      ])
    try bench.makeFolder("repository/.build/release")
    try bench.makeFolder("repository/.build/plugins/GenerateManual")
    try bench.makeFolder("elsewhere/here/bin")
    try bench.writeProgram("elsewhere/here/bin/lockstep", "echo old")
    let installed = try bench.run(
      ["bash", "../repository/launch/install.sh", "--prefix", "here"], in: "elsewhere",
      ["LOCKSTEP": bench.folder.path + "/elsewhere/here/bin/lockstep"])
    #expect(installed.exitCode == 0, "\(installed.errorOutput)")
    let shown = try bench.run(
      ["sh", "-c", "here/bin/lockstep && cat here/share/zsh/site-functions/_lockstep"],
      in: "elsewhere")
    #expect(shown.output == "new\nnew\n")
  }

  @Test func aRelativeCommandIsOfWhereTheScriptWasCalled() throws {
    let bench = try Bench(scripts: ["launch/common.sh"], programs: ["lockstep": "echo found"])
    for command in ["bin/lockstep", "./bin/lockstep", bench.folder.path + "/bin/lockstep"] {
      let ending = try bench.run(
        [
          "bash", "-c",
          "source repository/launch/common.sh && cd elsewhere && program=$(lockstep_binary) && $program",
        ], in: ".", ["LOCKSTEP": command])
      #expect(ending.output == "found\n", "\(command): \(ending.errorOutput)")
    }
  }

  /// What git leaves out is no part of an image, keys and git's own folder neither.
  @Test func imagesLeaveOutWhatIsMadeInTheRepository() {
    func patterns(_ file: String) -> [String] {
      Self.text(file).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }
    let left = Set(patterns(".dockerignore"))
    // Versions of packages are those that were built with here.
    for pattern in patterns(".gitignore") where pattern != "Package.resolved" {
      // There a path without a slash in front is of any folder, here of the topmost.
      let name = pattern.hasSuffix("/") ? String(pattern.dropLast()) : pattern
      let expected = name.hasPrefix("/") ? String(name.dropFirst()) : "**/" + name
      #expect(left.contains(expected), "\(pattern)")
    }
    #expect(left.isSuperset(of: [".git", "**/*.key"]))
  }

  /// Without these settings no pod lets another one in; and keys in an image are known to all who have it.
  @Test func podsReachEachOtherAndMakeTheirOwnKeys() {
    let image = Self.text("launch/containers/Dockerfile")
    for words in [
      "StrictHostKeyChecking no\\nUserKnownHostsFile /dev/null\\n' >/etc/ssh/ssh_config.d/",
      "StrictModes no\\n' >/etc/ssh/sshd_config.d/",
      "rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*",
    ] { #expect(image.contains(words), "\(words)") }
    #expect(
      Self.text("launch/containers/mpijob.yaml").contains("ssh-keygen -A && exec /usr/sbin/sshd"))
  }

  @Test func theReferenceTakesThePlaceOfArchivesAlone() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "scripts/documentation.sh"],
      programs: [
        "swift": "", "pkg-config": "echo",
        "docc": """
        while [ $# -gt 1 ]; do
          if [ "$1" = --output-dir ]; then mkdir "$2" && echo new >"$2/page"; fi
          shift
        done
        """,
      ])
    try bench.makeFolder("repository/.build/release/Modules")
    try bench.makeFolder("repository/.build/release/LockstepOne.build")
    try bench.write("    - LockstepOne\n", to: "repository/.spi.yml")
    for place in ["elsewhere", "repository"] {
      try bench.makeFolder("\(place)/out/LockstepGone.doccarchive")
      try bench.write("mine", to: "\(place)/out/notes.txt")
    }
    let ending = try bench.run(
      ["bash", "../repository/scripts/documentation.sh", "out"], in: "elsewhere")
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    #expect(bench.exists("elsewhere/out/LockstepOne.doccarchive/page"))
    #expect(!bench.exists("elsewhere/out/LockstepGone.doccarchive"))
    #expect(bench.exists("elsewhere/out/notes.txt"))
    #expect(bench.exists("repository/out/LockstepGone.doccarchive"))
  }

  /// A job of Slurm whose `lockstep` is a stand-in.
  private func slurmJob(_ words: [String], lockstep: String, _ variables: [String: String] = [:])
    throws -> RunningCommand.Ending
  {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/slurm.sbatch"],
      programs: ["scontrol": #"echo "scontrol $*""#])
    try bench.makeFolder("repository/.build/release")
    try bench.writeProgram("repository/.build/release/lockstep", lockstep)
    return try bench.run(
      ["bash", "launch/slurm.sbatch"] + words, in: "repository",
      variables.merging([
        "SLURM_JOB_ID": "7",
        "SLURM_SUBMIT_DIR": bench.folder.appendingPathComponent("repository").path,
      ]) { $1 })
  }

  /// A cancelled job is not queued again by these words.
  @Test func aJobOfSlurmThatIsSavedQueuesItselfAgainUnlessItIsCancelled() throws {
    let saved = try slurmJob(["a.yaml", "--output", "run"], lockstep: "exit 75")
    #expect(saved.exitCode == 75)
    #expect(saved.output.split(separator: "\n").last == "scontrol requeue Incomplete 7")
    let failed = try slurmJob(["a.yaml", "--output", "run"], lockstep: "exit 1")
    #expect(failed.exitCode == 1 && failed.output == "")
  }

  /// Of two that set the same the later one holds.
  @Test(arguments: [("--set threads=", [:]), ("--threads 3", ["SLURM_CPUS_PER_TASK": "3"])])
  func whatTheUserSaysInAJobOfSlurmComesLast(
    _ options: String, _ variables: [String: String]
  ) throws {
    let words = ["a.yaml", "--output", "run", "--set", "threads=5"]
    let ending = try slurmJob(words, lockstep: #"echo "$*""#, variables)
    #expect(ending.output.hasPrefix("supervise \(options)"), "\(ending.output)")
    #expect(ending.output.hasSuffix(" \(words.joined(separator: " "))\n"), "\(ending.output)")
  }

  @Test func ranksOnThisMachineTakeNoHostsOfAJob() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/local.sh"],
      programs: ["mpirun": #"echo "$*""#, "lockstep": ""])
    let ending = try bench.run(
      ["bash", "launch/local.sh", "2", "a.yaml"], in: "repository",
      ["LOCKSTEP": bench.folder.path + "/bin/lockstep"])
    #expect(
      ending.output.hasPrefix("-np 2 --mca ras ^slurm,tm,lsf,gridengine --host localhost:2 "),
      "\(ending.output)")
  }

  /// Where results go, and the packages that measure.
  @Test func relativePathsOfABenchmarkAreOfWhereItWasCalled() throws {
    let bench = try Bench(
      scripts: [
        "launch/common.sh", "Benchmarks/environment.sh", "Benchmarks/translation.sh",
      ],
      programs: [
        "python3": "", "swift": "", "git": "", "pkg-config": "", "mpirun": "", "g++": "",
        "taskset": "", "lockstep": "",
      ])
    try bench.writeProgram("repository/launch/fetch-translations.sh", "")
    try bench.makeFolder("packages/bin")
    try bench.writeProgram("packages/bin/python", #"[ "$1" = -c ] || pwd"#)
    let ending = try bench.run(
      ["bash", "../repository/Benchmarks/translation.sh"], in: "elsewhere",
      [
        "LOCKSTEP": bench.folder.path + "/bin/lockstep", "LOCKSTEP_BENCHMARK_VENV": "../packages",
      ])
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    #expect(ending.output.hasSuffix("/elsewhere\n"), "\(ending.output)")
  }

  /// Of the lines of texts one may hold what other programs take for the end of a line.
  @Test func preferencesAreMadeOfTextsWithLineSeparators() throws {
    let bench = try Bench(scripts: ["scripts/preferences.py"], programs: [:])
    let lines = ["a\u{2028}b", "c\u{85}d"].map {
      #"{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "\#($0)"}]}"#
    }
    try bench.write(lines.joined(separator: "\n"), to: "elsewhere/in.jsonl")
    let ending = try bench.run(
      ["python3", "../repository/scripts/preferences.py", "in.jsonl", "out.jsonl"], in: "elsewhere")
    #expect(ending.output == "1 preferences\n", "\(ending.errorOutput)")
  }

  @Test func aFaultOfHostsNeedsTwoOfThem() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "scripts/torture-hosts"], programs: ["id": "echo 1000"])
    let ending = try bench.run(
      ["bash", "scripts/torture-hosts", "--hosts", "1"], in: "repository")
    #expect(ending.exitCode == 2 && ending.errorOutput.contains("give 2 or more"))
  }

  /// What another user has put there would be written through.
  @Test func aTrialOfSlurmTakesNoFolderThatIsThereAlready() throws {
    let bench = try Bench(
      scripts: ["scripts/slurm.sh", "scripts/hosts.sh"], programs: ["munged": "exit 9"])
    try bench.makeFolder("slurm")
    let ending = try bench.run(
      ["bash", "scripts/slurm.sh", "up", "1"], in: "repository",
      ["SLURM_TRIAL": bench.folder.path + "/slurm"])
    #expect(ending.exitCode == 1 && ending.errorOutput.contains("slurm.sh down"))
    #expect(!bench.exists("slurm/slurm.conf"))
  }

  @Test func theInstallerNeedsNoHomeWhereItIsToldAPlace() throws {
    let bench = try Bench(
      scripts: ["launch/common.sh", "launch/install.sh"], programs: ["id": "echo 1000"])
    let command = ["env", "-u", "HOME", "bash", "launch/install.sh", "--remove"]
    let removed = try bench.run(command + ["--prefix", "here"], in: "repository")
    #expect(removed.exitCode == 0, "\(removed.errorOutput)")
    let refused = try bench.run(command, in: "repository")
    #expect(refused.exitCode == 2 && refused.errorOutput.contains("give --prefix"))
  }

  /// A run's directory may be given as one word, too.
  @Test func aJobOfSlurmTakesItsDirectoryInBothForms() throws {
    for (words, isRight) in [
      (["a.yaml", "--output", "run"], true), (["a.yaml", "--output=run"], true),
      (["a.yaml", "--set", "steps=3"], false), (["--output=run"], false),
    ] {
      let ending = try slurmJob(words, lockstep: #"printf '[%s]' "$@""#)
      #expect(ending.exitCode == (isRight ? 0 : 2), "\(words): \(ending.errorOutput)")
      let end = words.map { "[\($0)]" }.joined()
      #expect(
        ending.output.hasPrefix("[supervise]") == isRight
          && ending.output.hasSuffix(isRight ? end : ""))
    }
  }
}
