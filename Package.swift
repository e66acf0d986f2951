// swift-tools-version: 6.2
import PackageDescription

extension Target {
  static func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies)
  }

  static func example(_ name: String) -> Target {
    .executableTarget(
      name: name,
      dependencies: [
        "Training", "Models", "NeuralNetworks", "Tensors", "Optimization", "Datasets",
        "Communication", "Checkpoints", "Reporting", "Settings", "Parallelism",
      ],
      path: "docs/examples/\(name)/Sources/\(name)", packageAccess: false)
  }

  static func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
      name: name + "Tests",
      dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies)
  }
}

let package = Package(
  name: "lockstep",
  products: [
    .executable(name: "lockstep", targets: ["lockstep"]),
    .library(
      name: "Lockstep",
      targets: [
        "Training", "Models", "NeuralNetworks", "Tensors", "Optimization", "Datasets",
        "Communication", "Checkpoints", "Reporting", "Scoring", "Settings", "Files", "Parallelism",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // The top: the command line.
    .executableTarget(
      name: "lockstep",
      dependencies: [
        "Benchmarking", "Explanations", "Scoring", "Sweeps", "Training", "Files",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // What `lockstep benchmark` measures.
    .library(
      "Benchmarking",
      [
        "Training", "Models", "NeuralNetworks", "Tensors", "Datasets", "Communication",
        "Parallelism", "Settings", "CKernels",
      ]),

    // What `lockstep explain` shows.
    .target(
      name: "Explanations",
      dependencies: [
        "Training", "Models", "NeuralNetworks", "Tensors", "Datasets", "Checkpoints", "Reporting",
        "Settings", "Files",
      ],
      resources: [
        .embedInCode("Page/explanation.css"), .embedInCode("Page/explanation.js"),
        .embedInCode("Page/text.html"), .embedInCode("Page/text.js"),
        .embedInCode("Page/image.html"), .embedInCode("Page/image.js"),
      ]),

    // Searches: many runs, told apart by their configurations.
    .target(
      name: "Sweeps",
      dependencies: [
        "Training", "Optimization", "Datasets", "Communication", "Reporting", "Settings", "Files",
        "Tensors",
      ],
      resources: [.embedInCode("Report/sweep.css"), .embedInCode("Report/sweep.js")]),

    // Where the middle targets meet.
    .library(
      "Training",
      [
        "Models", "Optimization", "Datasets", "Communication", "Checkpoints", "Reporting",
        "Scoring", "Settings", "Files", "Parallelism", "CKernels", "COpenBLAS",
        .product(name: "Yams", package: "Yams"),
      ]),

    // The middle: none imports another, but for the tower of models on layers on tensors, whose
    // matrix products optimisers use.
    .library("Models", ["NeuralNetworks", "Settings", "CKernels"]),
    .library("NeuralNetworks", ["Tensors"]),
    .library(
      "Tensors",
      [
        "CKernels", "Parallelism",
        .product(name: "HeapModule", package: "swift-collections"),
      ]),
    .library("Optimization", ["CKernels", "Parallelism", "Settings", "Tensors"]),
    .library(
      "Datasets",
      [
        "CZlib", "Settings", "Files",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "HeapModule", package: "swift-collections"),
      ]),
    .library("Communication", ["CMPI", "CKernels", "Parallelism"]),
    .library("Checkpoints", ["Files", .product(name: "Crypto", package: "swift-crypto")]),
    .target(
      name: "Reporting", dependencies: ["Files"], resources: [.embedInCode("Pages/page.css")]),
    .library("Scoring", ["Settings"]),

    // The ground floor: open to any target above.
    .library("Settings", []),
    .library("Files", []),
    .library("Parallelism", []),
    .target(name: "CKernels"),
    .target(name: "CMPI", dependencies: ["COpenMPI"]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),

    // Tests: one folder per target.
    .target(name: "TestSupport", dependencies: ["Tensors"], path: "Tests/TestSupport"),
    .testTarget(
      name: "TensorsTests", dependencies: ["Tensors", "TestSupport", "CKernels"],
      resources: [.copy("Fixtures")]),
    .tests(of: "NeuralNetworks"),
    .testTarget(
      name: "ModelsTests",
      dependencies: ["Models", "TestSupport", "Checkpoints", "Optimization"],
      resources: [.copy("Fixtures")]),
    .tests(of: "Optimization"),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .tests(of: "Communication", ["CKernels", "Parallelism", "communication-probe"]),
    .tests(of: "Checkpoints", ["Files"]),
    .tests(of: "Reporting", ["Files"]),
    .testTarget(
      name: "ScoringTests", dependencies: ["Scoring"], resources: [.copy("Fixtures")]),
    .tests(of: "Settings"),
    .tests(of: "Files"),
    .tests(of: "Parallelism"),
    .tests(of: "Training", ["Files"]),
    .testTarget(
      name: "ExplanationsTests",
      dependencies: ["Explanations", "TestSupport", "Models", "NeuralNetworks", "Checkpoints"],
      resources: [.copy("Fixtures")]),
    .tests(of: "Sweeps", ["Training", "Communication", "Settings", "Tensors"]),
    .tests(of: "Benchmarking", ["Models", "NeuralNetworks", "Parallelism", "Communication"]),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "TestSupport", "Training", "Explanations", "linear-regression", "own-model",
      ]),
    .executableTarget(
      name: "communication-probe", dependencies: ["Communication", "TestSupport"],
      path: "Tests/CommunicationProbe"),

    // The example packages' programs once more, so that tests run them without building Lockstep
    // again. Like a user's, they see only what is public.
    .example("linear-regression"),
    .example("own-model"),
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
