import Foundation
import LockstepTraining

/// The hosts that a job may use: which of them live, and what has become of them.
final class SupervisedHosts {
  /// What happened to a host.
  enum Event: Equatable {
    case lost(String)
    /// It has not answered from the beginning.
    case unreachable(String)
    case rankEnded(String)
    /// It answers, for the first time or again.
    case up(String)
    /// It is named in the file, or not any more.
    case added(String)
    case removed(String)
  }

  private struct Host {
    var slots: HostSlots
    /// The supervisor's own: it needs no connection.
    let isHere: Bool
    var lifeline: Lifeline?
    var isUp: Bool
    /// It is no longer named, and is let go when the job has left it.
    var isLeaving = false
    var retry = ContinuousClock.now
    var losses = 0

    var isUsable: Bool { isUp && !isLeaving }
  }

  private var hosts: [Host] = []
  private let connect: (String) throws -> Lifeline
  /// Seconds until a lost host is tried again; twice as long each time that it is lost again or does not answer.
  private let retryInterval: Double

  /// - Parameter connect: Starts a keeper on a host.
  init(
    _ slots: [HostSlots], retryInterval: Double, connect: @escaping (String) throws -> Lifeline
  ) {
    self.connect = connect
    self.retryInterval = retryInterval
    hosts = slots.map(Self.host)
  }

  private static func host(_ slots: HostSlots) -> Host {
    let isHere = ThisMachine.isCalled(slots.name)
    return Host(slots: slots, isHere: isHere, isUp: isHere)
  }

  /// Those that live; this machine first, so that rank zero, which reads and writes the run, is here.
  var usable: [HostSlots] {
    hosts.filter { $0.isUsable && $0.isHere }.map(\.slots)
      + hosts.filter { $0.isUsable && !$0.isHere }.map(\.slots)
  }

  /// The snapshots on other hosts that live.
  var snapshots: [[ShardSummary]] {
    hosts.compactMap { $0.isUsable ? $0.lifeline?.snapshots : nil }
  }

  /// Whether every host has answered or been given up for now.
  var areKnown: Bool { hosts.allSatisfy { $0.isUp || $0.losses > 0 } }

  /// What a wait for beats looks at.
  var descriptors: [Int32] { hosts.compactMap { $0.lifeline?.reading } }

  /// Takes over what the file says now.
  func update(_ slots: [HostSlots]) -> [Event] {
    var events: [Event] = []
    var updated: [Host] = []
    for slots in slots {
      var host = hosts.first { $0.slots.name == slots.name } ?? Self.host(slots)
      if host.isLeaving || !hosts.contains(where: { $0.slots.name == slots.name }) {
        events.append(.added(slots.name))
      }
      host.isLeaving = false
      host.slots = slots
      updated.append(host)
    }
    for var host in hosts where !slots.contains(where: { $0.name == host.slots.name }) {
      if !host.isLeaving { events.append(.removed(host.slots.name)) }
      host.isLeaving = true
      updated.append(host)
    }
    hosts = updated
    return events
  }

  /// Lets the hosts go that are no longer named: the job has ended there.
  func release() {
    for host in hosts where host.isLeaving { host.lifeline?.close() }
    hosts.removeAll(where: \.isLeaving)
  }

  /// Sends and takes beats, and connects to hosts whose time has come.
  func tend() -> [Event] {
    var events: [Event] = []
    for index in hosts.indices where !hosts[index].isHere {
      let name = hosts[index].slots.name
      if hosts[index].lifeline == nil, hosts[index].retry <= .now {
        hosts[index].lifeline = try? connect(name)
        if hosts[index].lifeline == nil, let event = lose(index) { events.append(event) }
      }
      guard let lifeline = hosts[index].lifeline else { continue }
      switch lifeline.tend() {
      case .lost:
        if let event = lose(index) { events.append(event) }
      case .rankEnded: events.append(.rankEnded(name))
      case nil:
        if lifeline.isUp && !hosts[index].isUp {
          hosts[index].isUp = true
          events.append(.up(name))
        }
      }
    }
    return events
  }

  /// - Returns: What is to be told: nothing where a host that was lost still does not answer.
  private func lose(_ index: Int) -> Event? {
    let (name, wasUp, isFirst) =
      (hosts[index].slots.name, hosts[index].isUp, hosts[index].losses == 0)
    hosts[index].lifeline?.close()
    hosts[index].lifeline = nil
    hosts[index].isUp = false
    let wait = min(
      SupervisionOptions.retryIntervals.upperBound,
      retryInterval * Double(1 << min(10, hosts[index].losses)))
    hosts[index].losses += 1
    hosts[index].retry = .now + .seconds(wait)
    return wasUp ? .lost(name) : isFirst ? .unreachable(name) : nil
  }

  /// Asks every host to end what the job has there.
  func clear() {
    for host in hosts { host.lifeline?.clear() }
  }

  /// Whether all that live have said that nothing is left.
  var haveCleared: Bool {
    hosts.allSatisfy { host in
      guard let lifeline = host.lifeline, lifeline.isUp else { return true }
      return lifeline.hasCleared
    }
  }

  /// Lets all hosts go.
  func close() {
    for host in hosts { host.lifeline?.close() }
  }
}
