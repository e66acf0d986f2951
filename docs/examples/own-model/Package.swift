// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "own-model",
  dependencies: [
    // Elsewhere: .package(url: "…/lockstep", branch: "main")
    .package(name: "lockstep", path: "../../..")
  ],
  targets: [
    .executableTarget(
      name: "own-model",
      dependencies: [.product(name: "Lockstep", package: "lockstep")])
  ],
  swiftLanguageModes: [.v6]
)
