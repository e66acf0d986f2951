import LockstepFiles

/// Notices when a file of hosts has changed.
struct HostFileWatch {
  let path: String
  private var seen: [UInt8]
  private var next = ContinuousClock.now

  private static let interval = Duration.seconds(1)

  init(path: String) {
    self.path = path
    seen = (try? FileContents.read(path, limit: 16 << 20)) ?? []
  }

  /// What it names now, if that is something else than at the last look; an error once for each change.
  mutating func changed() -> Result<[HostSlots], HostListError>? {
    guard next <= .now else { return nil }
    next = .now + Self.interval
    guard let bytes = try? FileContents.read(path, limit: 16 << 20), bytes != seen else {
      return nil
    }
    seen = bytes
    return Result { () throws(HostListError) in
      try HostSlots.parse(String(decoding: bytes, as: UTF8.self), source: path)
    }
  }
}
