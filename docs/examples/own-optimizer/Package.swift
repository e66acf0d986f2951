// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "own-optimizer",
  dependencies: [
    // Elsewhere: .package(url: "…/lockstep", branch: "main")
    .package(name: "lockstep", path: "../../..")
  ],
  targets: [
    .executableTarget(
      name: "own-optimizer",
      dependencies: [.product(name: "Lockstep", package: "lockstep")])
  ],
  swiftLanguageModes: [.v6]
)
