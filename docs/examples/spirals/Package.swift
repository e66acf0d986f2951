// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "spirals",
  dependencies: [
    // Elsewhere: .package(url: "…/lockstep", branch: "main")
    .package(name: "lockstep", path: "../../..")
  ],
  targets: [
    .executableTarget(
      name: "spirals",
      dependencies: [
        .product(name: "Lockstep", package: "lockstep"),
        // For ranks as processes; without it and Launch.run(over: .mpi) no MPI is needed.
        .product(name: "LockstepMPICommunication", package: "lockstep"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
