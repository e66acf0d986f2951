import Foundation
import LockstepCommunication
import Testing

/// Memory as processes share it, here between two openers in one process. One at a time: files are
/// named by process and number, and a process has one maker otherwise.
@Suite(.serialized) struct ProcessSegmentsTests {
  @Test(arguments: [false, true])
  func whatOneWritesTheOtherReads(areFiles: Bool) throws {
    let (maker, peer) = (
      ProcessSegments(rank: 0, areFiles: areFiles), ProcessSegments(rank: 1, areFiles: areFiles)
    )
    let byteCount = 3 * 4096 + 5
    let (made, name) = try maker.make(byteCount: byteCount)
    let opened = try peer.open(named: name)
    defer { withExtendedLifetime((made, opened)) {} }
    #expect(made.bytes.count == byteCount && opened.bytes.count == byteCount)
    #expect(made.bytes.baseAddress != opened.bytes.baseAddress)
    #expect(opened.bytes.allSatisfy { $0 == 0 })
    made.bytes[byteCount - 1] = 7
    opened.bytes[0] = 9
    #expect(opened.bytes[byteCount - 1] == 7)
    #expect(made.bytes[0] == 9)

    maker.forgetNames()
    made.bytes[1] = 11
    #expect(opened.bytes[1] == 11, "memory outlives its name")
    let error = #expect(throws: CommunicationError.self) { try peer.open(named: name) }
    guard case .sharedMemory("open", byteCount, _, 1, nil) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: [false, true])
  func theSegmentsOfAProcessAreToldApart(areFiles: Bool) throws {
    let segments = ProcessSegments(rank: 0, areFiles: areFiles)
    let made = try (0..<3).map { _ in try segments.make(byteCount: 4096) }
    defer { withExtendedLifetime(made) {} }
    for (index, one) in made.enumerated() { one.segment.bytes[0] = UInt8(index + 1) }
    for (index, one) in made.enumerated() {
      let opened = try segments.open(named: one.name)
      withExtendedLifetime(opened) { #expect(opened.bytes[0] == UInt8(index + 1)) }
    }
  }

  @Test func anEmptySegmentIsOpenedAsSuch() throws {
    let segments = ProcessSegments(rank: 0, areFiles: false)
    let (made, name) = try segments.make(byteCount: 0)
    #expect(try made.bytes.isEmpty && segments.open(named: name).bytes.isEmpty)
  }
}
