// swift-tools-version: 6.2
import PackageDescription

// A user's package whose targets bear names of Lockstep's folders: modules must be unique among all
// that a program is made of. It takes Lockstep without MPI. `scripts/guest.sh` builds and runs it.
let folders = ["Files", "Models", "Settings", "Tensors", "Training", "Weights"]

let package = Package(
  name: "guest",
  dependencies: [.package(name: "lockstep", path: "../..", traits: [])],
  targets: folders.map { .target(name: $0) } + [
    .executableTarget(
      name: "Guest",
      dependencies: folders.map { .byName(name: $0) } + [
        .product(name: "Lockstep", package: "lockstep")
      ])
  ],
  swiftLanguageModes: [.v6]
)
