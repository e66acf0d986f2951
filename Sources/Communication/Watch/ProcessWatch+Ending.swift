import CLockstepHost

#if canImport(Glibc)
  import Glibc
#endif

/// How a job ends that can not go on: each process writes down what it was doing, one says why, and all
/// end, by the launcher if it can be reached, by themselves if not.
extension ProcessWatch {
  func beginEnding(now: Int64) {
    let all = standings(now: now)
    // The rank that has waited longest knows best which one is missing.
    let waiter = all.filter { $0.isWaiting && $0.sign == .alive }
      .min { rows[$0.rank].since < rows[$1.rank].since }
    let stall = waiter.map {
      Stall(
        waiter: $0, waitedSeconds: Int((now - rows[$0.rank].since) / 1000),
        missing: RankStanding.missing(of: $0.group, in: all))
    }
    ending = Ending(since: now, stall: stall)
    endLater()
    if CHost_raiseFlag(launcherFlag) != 0 {
      CHost_endLauncherLater(Self.recordTime + Self.launcherTime)
    }
    let step = all.map(\.step).max() ?? 0
    FlightRecord(
      rank: topology.rank, size: topology.size, address: addresses[topology.rank],
      isFirstHost: topology.hostIndex == 0, stall: stall, standings: all,
      calls: record.lines(now: now)
    ).write(step: step, directory: directory)
    CHost_watchRecorded(ownRow)
    tell(evenIfOthersCan: true)
  }

  func goOnEnding(now: Int64) {
    guard let current = ending, CHost_flag(spokenFlag) == 0 else { return }
    let all = standings(now: now)
    let living = all.filter { $0.sign == .alive }
    let areDone = living.allSatisfy { rows[$0.rank].hasRecorded != 0 }
    guard areDone || now - current.since > Self.recordTime else { return }
    guard living.first(where: \.isWaiting)?.rank == topology.rank,
      CHost_raiseFlag(spokenFlag) != 0
    else { return }
    tell(evenIfOthersCan: true)
    let seconds = endMilliseconds.load(ordering: .relaxed) / 1000
    let step = all.map(\.step).max() ?? 0
    say(
      """
      \(current.stall.map { "\($0)" } ?? "ranks wait for each other"). The run ends, because \
      watchdog.end is \(seconds) s; what each rank was doing is in \
      \(FlightRecord.path(step: step, directory: directory, host: nil))\
      \(topology.hostCount > 1 ? ", and on other hosts in files of that name and the host's" : "")
      """)
    terminate()
  }

  /// Ends this process, and those of its host that are stuck, if the launcher has not done it: it may be
  /// on the other side of a link that is cut.
  private func endLater() {
    var thread = pthread_t()
    let watch = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let watch = Unmanaged<ProcessWatch>.fromOpaque(argument).takeRetainedValue()
        // Before its launcher is ended, so that this one can tell.
        usleep(UInt32(ProcessWatch.recordTime + ProcessWatch.launcherTime - 1_000) * 1000)
        watch.endHost()
        return nil
      }, watch.toOpaque())
    if code != 0 { watch.release() }
  }

  private func endHost() {
    if processesAreVisible {
      for rank in topology.hostRanks where rank != topology.rank {
        // One that lives ends by itself.
        guard isSilent(rank, now: CHost_milliseconds()) else { continue }
        kill(addresses[rank].processID, SIGKILL)
      }
    }
    _exit(1)
  }
}
