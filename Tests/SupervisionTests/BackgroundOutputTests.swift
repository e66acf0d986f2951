import Foundation
import LockstepReporting
import LockstepSupervision
import Testing

/// A console that nobody reads keeps nobody waiting.
@Suite struct BackgroundOutputTests {
  @Test func nobodyWaitsForAConsoleThatIsNotReadAndNothingIsLost() throws {
    let pipe = Pipe()
    let output = BackgroundOutput(
      DescriptorOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor))
    // Much more than a pipe holds.
    let line = String(repeating: "x", count: (1 << 16) - 1) + "\n"
    for _ in 0..<32 { output.write(line) }
    #expect(output.isFull)
    var count = 0
    while count < 32 << 16 { count += pipe.fileHandleForReading.availableData.count }
    output.finish()
    #expect(!output.isFull && count == 32 << 16)
  }
}
