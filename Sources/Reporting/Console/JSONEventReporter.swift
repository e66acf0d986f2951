/// Tells a script of a run: every event as one line of JSON, whose `event` member names it.
public final class JSONEventReporter: RunObserver {
  private let output: any TextOutput

  /// - Parameter output: Default: standard output.
  public init(output: any TextOutput = DescriptorOutput()) {
    self.output = output
  }

  public func receive(_ event: RunEvent) {
    output.write(String(decoding: event.object.line, as: UTF8.self))
  }
}
