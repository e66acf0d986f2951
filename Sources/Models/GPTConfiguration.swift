/// The shape of a GPT-2 style decoder.
public struct GPTConfiguration {
  public var layers = 4
  public var heads = 4
  public var width = 256
  public var context = 128
  public var dropout = 0.0

  public init() {}
}
