import Foundation
import LockstepReporting
import Testing

@Suite struct DescriptorOutputTests {
  @Test func pipesHaveNoColumns() throws {
    let pipe = Pipe()
    let output = DescriptorOutput(
      descriptor: pipe.fileHandleForWriting.fileDescriptor, environment: ["TERM": "xterm"])
    #expect(output.columns == nil)
    #expect(!output.isColored)
    output.write("täglich\n")
    try pipe.fileHandleForWriting.close()
    let data = try pipe.fileHandleForReading.readToEnd()
    #expect(data == Data("täglich\n".utf8))
  }

  @Test func terminalsHaveTheirPresentColumns() throws {
    let terminal = try PseudoTerminal()
    let output = DescriptorOutput(
      descriptor: terminal.descriptor, environment: ["TERM": "xterm"])
    for columns in [80, 132] {
      terminal.resize(columns: columns)
      #expect(output.columns == columns)
      #expect(output.isColored)
    }
  }

  @Test func launchersTerminalsWithoutColumnsAreNone() throws {
    let terminal = try PseudoTerminal()
    terminal.resize(columns: 0)
    let output = DescriptorOutput(
      descriptor: terminal.descriptor, environment: ["TERM": "xterm"])
    #expect(output.columns == nil)
    #expect(!output.isColored)
  }

  @Test func dumbTerminalsGetPlainLinesAndNoColor() throws {
    let terminal = try PseudoTerminal()
    terminal.resize(columns: 80)
    for environment in [["TERM": "dumb"], [:]] {
      let output = DescriptorOutput(descriptor: terminal.descriptor, environment: environment)
      #expect(output.columns == nil)
    }
    let colorless = DescriptorOutput(
      descriptor: terminal.descriptor, environment: ["TERM": "xterm", "NO_COLOR": "1"])
    #expect(colorless.columns == 80)
    #expect(!colorless.isColored)
  }
}

/// Both ends of a terminal that nobody sits at.
private final class PseudoTerminal {
  let descriptor: Int32
  private let master: Int32

  init() throws {
    // `posix_openpt` and its companions are hidden from Swift; these are Linux's calls beneath.
    let (getNumber, setLock): (UInt, UInt) = (0x8004_5430, 0x4004_5431)
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (lock, number): (Int32, Int32) = (0, 0)
    try #require(master >= 0 && ioctl(master, setLock, &lock) == 0)
    try #require(ioctl(master, getNumber, &number) == 0)
    descriptor = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(descriptor >= 0)
  }

  func resize(columns: Int) {
    var size = winsize()
    size.ws_col = UInt16(columns)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  deinit {
    close(descriptor)
    close(master)
  }
}
