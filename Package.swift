// swift-tools-version: 6.2
import PackageDescription

// Targets are named after their folders here: "Training" for Sources/Training. Their modules have
// Lockstep's name before theirs, because a module's name must be unique among all the packages that
// a program is made of: `LockstepTraining`, and in C `CLockstepKernels`.

extension Target {
  /// The module of a folder.
  static func module(_ folder: String) -> String {
    folder.hasPrefix("C") && folder.dropFirst().first?.isUppercase == true
      ? "CLockstep" + folder.dropFirst() : "Lockstep" + folder
  }

  static func modules(_ folders: [String]) -> [Dependency] {
    folders.map { .byName(name: module($0)) }
  }

  static func library(
    _ folder: String, uses folders: [String] = [], _ dependencies: [Dependency] = [],
    excluding excluded: [String] = [], resources: [Resource]? = nil
  ) -> Target {
    .target(
      name: module(folder), dependencies: modules(folders) + dependencies,
      path: "Sources/\(folder)", exclude: excluded, resources: resources)
  }

  static func system(_ folder: String, pkgConfig: String, apt package: String) -> Target {
    .systemLibrary(
      name: module(folder), path: "Sources/\(folder)", pkgConfig: pkgConfig,
      providers: [.apt([package])])
  }

  /// The example packages' programs once more, so that tests run them without building Lockstep
  /// again. Like a user's, they see only what is public.
  static func example(_ name: String, uses folders: [String] = []) -> Target {
    .executableTarget(
      name: name, dependencies: ["Lockstep"] + modules(folders),
      path: "docs/examples/\(name)/Sources/\(name)", packageAccess: false)
  }

  static func tests(
    of folder: String, uses folders: [String] = [], _ dependencies: [Dependency] = [],
    hasFixtures: Bool = false
  ) -> Target {
    .testTarget(
      name: folder + "Tests",
      dependencies: modules([folder] + folders) + ["TestSupport"] + dependencies,
      resources: hasFixtures ? [.copy("Fixtures")] : nil)
  }
}

/// Only what a launcher starts needs MPI, and with `--disable-default-traits` nothing does.
let withMPI = TargetDependencyCondition.when(traits: ["MPI"])

let package = Package(
  name: "lockstep",
  products: [
    .executable(name: "lockstep", targets: ["LockstepCommand"]),
    .library(name: "Lockstep", targets: ["Lockstep"]),
    // For programs whose ranks are processes: `Launch.run(over: .mpi)`.
    .library(
      name: Target.module("MPICommunication"), targets: [Target.module("MPICommunication")]),
  ],
  traits: [
    .trait(name: "MPI", description: "Ranks as processes under an MPI launcher; needs Open MPI."),
    .default(enabledTraits: ["MPI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", .upToNextMinor(from: "0.27.1")),
  ],
  targets: [
    // The top: the command line, and what users of the library import.
    .executableTarget(
      name: "LockstepCommand",
      dependencies: Target.modules([
        "Audits", "Benchmarking", "ChatTemplates", "Checkpoints", "Encryption", "Explanations",
        "Histories", "Keys", "Parallelism", "Privacy", "Redaction", "Scoring", "Supervision",
        "Sweeps", "Training", "Watching", "Weights", "Files", "MPICommunication",
      ]) + [.product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Sources/Command"),
    .target(
      name: "Lockstep",
      dependencies: Target.modules([
        "Training", "Models", "NeuralNetworks", "Tensors", "Optimization", "Datasets",
        "Communication", "Checkpoints", "Federation", "Privacy", "Weights", "Reporting",
        "Scoring", "Settings", "Parallelism", "ChatTemplates", "Encryption", "Files", "Keys",
        "Redaction", "TensorBoard",
      ])),

    // What `lockstep benchmark` measures and `lockstep doctor` predicts.
    .library(
      "Benchmarking",
      uses: [
        "Training", "Models", "NeuralNetworks", "Tensors", "Datasets", "Communication",
        "Reporting", "Parallelism", "Settings", "Files", "CKernels",
      ]),

    // What `lockstep explain` shows.
    .library(
      "Explanations",
      uses: [
        "Training", "Models", "NeuralNetworks", "Tensors", "Datasets", "Checkpoints", "Reporting",
        "Settings", "Files",
      ],
      resources: [
        .embedInCode("Page/explanation.css"), .embedInCode("Page/explanation.js"),
        .embedInCode("Page/text.html"), .embedInCode("Page/text.js"),
        .embedInCode("Page/image.html"), .embedInCode("Page/image.js"),
        .embedInCode("Page/row.html"), .embedInCode("Page/row.js"),
      ]),

    // What `lockstep audit` finds out of runs.
    .library(
      "Audits",
      uses: [
        "Training", "Models", "NeuralNetworks", "Optimization", "Privacy", "Tensors", "Datasets",
        "Reporting", "Settings", "Files",
      ]),

    // What `lockstep metrics` and `lockstep compare` show.
    .library("Histories", uses: ["Training", "Reporting", "Settings", "Files"]),

    // Searches: many runs, told apart by their configurations.
    .library(
      "Sweeps",
      uses: [
        "Training", "Optimization", "Datasets", "Communication", "Reporting", "Settings", "Files",
        "Tensors",
      ],
      resources: [.embedInCode("Report/sweep.css"), .embedInCode("Report/sweep.js")]),

    // What `lockstep watch` and `lockstep report` show. The one target that has a server.
    .library(
      "Watching", uses: ["Training", "Sweeps", "Reporting", "Settings", "Files"],
      [
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ],
      resources: [
        .embedInCode("Page/watch.css"), .embedInCode("Page/watch.html"),
        .embedInCode("Page/runs.js"), .embedInCode("Page/curves.js"),
        .embedInCode("Page/details.js"),
        .embedInCode("Page/watch.js"),
      ]),

    // What `lockstep supervise` keeps going: a launcher and its ranks, as processes on hosts.
    .library("Supervision", uses: ["Training", "Reporting", "Settings", "Files"]),

    // Where the middle targets meet.
    .library(
      "Training",
      uses: [
        "Models", "Optimization", "Privacy", "Federation", "Datasets", "Communication",
        "Checkpoints", "Weights", "Reporting", "Scoring", "Settings", "TensorBoard", "Files",
        "Parallelism", "CHashing", "CHost", "CKernels", "COpenBLAS", "ChatTemplates",
      ],
      // Of Yams only CYaml is used, which is libyaml: its events, see YAMLReader.
      [.product(name: "Yams", package: "Yams")]),

    // The middle: none imports another, but for the tower of models on layers on tensors, whose
    // matrix products optimisers use, and for weights, which models name and checkpoints consist of.
    .library("Models", uses: ["NeuralNetworks", "Weights", "Settings", "Files", "CKernels"]),
    .library("NeuralNetworks", uses: ["Tensors"]),
    .library(
      "Tensors", uses: ["CHost", "CKernels", "COpenBLAS", "Parallelism"],
      [.product(name: "HeapModule", package: "swift-collections")]),
    .library("Optimization", uses: ["CKernels", "Parallelism", "Settings", "Tensors"]),
    .library(
      "Privacy", uses: ["CKernels", "Files", "Keys", "Parallelism", "Settings"],
      [.product(name: "Crypto", package: "swift-crypto")]),
    .library(
      "Federation", uses: ["CKernels", "Keys", "Parallelism", "Settings"],
      [.product(name: "Crypto", package: "swift-crypto")]),
    .library(
      "Datasets",
      uses: ["ChatTemplates", "CHost", "CZlib", "Settings", "Files", "Parallelism", "Redaction"],
      [
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "HeapModule", package: "swift-collections"),
      ]),
    .library("Communication", uses: ["CHost", "CKernels", "Parallelism"]),
    .library(
      "MPICommunication", uses: ["Communication", "Files"],
      [.target(name: Target.module("CMPI"), condition: withMPI)]),
    .library(
      "Checkpoints", uses: ["CHashing", "Weights", "Settings", "Files", "Parallelism"],
      [.product(name: "Crypto", package: "swift-crypto")]),
    .library("Weights", uses: ["Settings", "Files"]),
    .library(
      "Reporting", uses: ["CZlib", "Settings", "Files"],
      resources: [
        .embedInCode("Pages/page.css"), .embedInCode("Pages/chart.css"),
        .embedInCode("Pages/chart.js"), .embedInCode("Pages/series.js"),
        .embedInCode("Pages/axes.js"),
      ]),
    // A run's events as TensorBoard reads them: an observer that has a library of its own.
    .library(
      "TensorBoard", uses: ["Reporting", "Files"],
      [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      excluding: ["Records/records.proto"]),
    .library("Scoring", uses: ["Settings", "Files"]),
    // The ground floor: open to any target above.
    .library("Settings", uses: ["Files"]),
    .library("ChatTemplates", uses: ["Settings"]),
    .library("Files", uses: ["CHost"]),
    .library(
      "Keys", uses: ["Settings", "Files"], [.product(name: "Crypto", package: "swift-crypto")]),
    // Files that are encrypted at rest, in chunks.
    .library(
      "Encryption", uses: ["Keys", "Settings", "Files"],
      [.product(name: "Crypto", package: "swift-crypto")]),
    // What `lockstep redact` and `lockstep prepare --redact` replace in texts.
    .library(
      "Redaction", uses: ["Keys", "Parallelism", "Settings", "Files"],
      [.product(name: "Crypto", package: "swift-crypto")]),
    .library("Parallelism"),
    .library("CKernels"),
    .library("CHashing"),
    .library("CHost"),
    .target(
      name: Target.module("CMPI"),
      dependencies: [.target(name: Target.module("COpenMPI"), condition: withMPI)],
      path: "Sources/CMPI", cSettings: [.define("CMPI_HAS_MPI", .when(traits: ["MPI"]))]),
    .system("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
    .system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    .system("COpenMPI", pkgConfig: "ompi-c", apt: "libopenmpi-dev"),

    // Tests: one folder per target.
    .target(
      name: "TestSupport",
      dependencies: Target.modules(["Checkpoints", "Settings", "Tensors", "Weights"]),
      path: "Tests/TestSupport"),
    .target(
      name: "TilesInSoftware", dependencies: Target.modules(["CKernels"]),
      path: "Tests/TilesInSoftware"),
    .tests(of: "Tensors", uses: ["CKernels"], ["TilesInSoftware"], hasFixtures: true),
    .tests(of: "NeuralNetworks"),
    .tests(of: "Models", uses: ["Weights", "Optimization"], hasFixtures: true),
    .tests(of: "Optimization"),
    .tests(
      of: "Privacy", uses: ["CKernels", "Keys", "Parallelism", "Settings"], hasFixtures: true),
    .tests(of: "Federation", uses: ["Keys", "Parallelism", "Settings"]),
    .tests(of: "Datasets", uses: ["Parallelism"], hasFixtures: true),
    .tests(of: "Communication", uses: ["CKernels", "Parallelism"], ["communication-probe"]),
    .tests(
      of: "Checkpoints", uses: ["CHashing", "Weights", "Settings", "Files", "Parallelism"],
      [.product(name: "Crypto", package: "swift-crypto")]),
    .tests(of: "Weights", uses: ["Files"]),
    .tests(of: "Reporting", uses: ["Files"]),
    .tests(
      of: "TensorBoard", uses: ["Reporting", "Files"],
      [.product(name: "SwiftProtobuf", package: "swift-protobuf")], hasFixtures: true),
    .tests(of: "Scoring", hasFixtures: true),
    .tests(of: "ChatTemplates", hasFixtures: true),
    .tests(of: "Settings"),
    .tests(of: "Files", uses: ["CHost"]),
    .tests(of: "Keys", uses: ["Files"]),
    .tests(of: "Encryption", uses: ["Keys", "Files"]),
    .tests(of: "Redaction", uses: ["Keys", "Parallelism", "Files"]),
    .tests(of: "Parallelism"),
    .tests(of: "Training", uses: ["Files", "Keys", "Privacy", "Weights"]),
    .tests(
      of: "Explanations", uses: ["Models", "NeuralNetworks", "Weights"], hasFixtures: true),
    .tests(of: "Audits", uses: ["Training", "Datasets", "Privacy", "Settings", "Tensors"]),
    .tests(of: "Histories", uses: ["Reporting", "Training"]),
    .tests(of: "Sweeps", uses: ["Training", "Communication", "Settings", "Tensors"]),
    .tests(of: "Supervision", uses: ["Files", "Training"]),
    .tests(of: "Watching", uses: ["Files", "Reporting"], ["LockstepCommand"]),
    .tests(
      of: "Benchmarking",
      uses: [
        "Models", "NeuralNetworks", "Optimization", "Parallelism", "Communication", "Reporting",
      ]),
    .testTarget(
      name: "IntegrationTests",
      dependencies: Target.modules(["Training", "Explanations", "TensorBoard", "Files"]) + [
        "TestSupport", "LockstepCommand", "linear-regression", "own-model", "own-optimizer",
        "spirals",
      ]),
    .executableTarget(
      name: "communication-probe",
      dependencies: Target.modules(["Communication", "MPICommunication"]) + ["TestSupport"],
      path: "Tests/CommunicationProbe"),
    .executableTarget(
      name: "template-probe", dependencies: Target.modules(["ChatTemplates"]),
      path: "Tests/TemplateProbe"),
    .target(
      name: "ReaderClaims",
      dependencies: Target.modules([
        "Training", "Sweeps", "Datasets", "Weights", "ChatTemplates",
      ]),
      path: "Tests/ReaderClaims"),
    .executableTarget(
      name: "fuzz",
      dependencies: Target.modules([
        "Training", "Sweeps", "Scoring", "Datasets", "Checkpoints", "Models", "Tensors", "Weights",
        "ChatTemplates", "Encryption", "Keys", "Files",
      ]) + [
        "TestSupport", "ReaderClaims", "LockstepCommand",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      path: "Tests/Fuzzing"),
    .example("linear-regression", uses: ["MPICommunication"]),
    .example("own-model"),
    .example("own-optimizer"),
    .example("spirals", uses: ["MPICommunication"]),
  ],
  swiftLanguageModes: [.v6]
)

// CI sets LOCKSTEP_STRICT=1: warnings in Lockstep's own targets become errors. Users who depend on
// Lockstep are never stopped by a newer compiler's opinion.
if Context.environment["LOCKSTEP_STRICT"] != nil {
  for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
    target.cSettings = (target.cSettings ?? []) + [.treatAllWarnings(as: .error)]
  }
}

// scripts/libfuzzer.sh sets LOCKSTEP_LIBFUZZER=1: every target counts which of its branches an input
// takes, and the program that feeds the readers is there, which needs libFuzzer to be linked.
if Context.environment["LOCKSTEP_LIBFUZZER"] != nil {
  package.targets += [
    .systemLibrary(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
    .executableTarget(
      name: "coverage-fuzz",
      dependencies: Target.modules([
        "Training", "Sweeps", "Datasets", "Checkpoints", "Models", "Weights", "Settings", "Files",
        "CHost", "ChatTemplates",
      ]) + ["ReaderClaims", "CLibFuzzer"],
      path: "Tests/CoverageFuzzing"),
  ]
  for target in package.targets where target.type != .system {
    // Both: the last such option alone counts.
    target.swiftSettings =
      (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer,address"])]
  }
}
