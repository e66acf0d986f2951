/// A type of the user's own, in a module that is called as a folder of Lockstep's.
public struct GuestTensors {
  public let name = "Tensors"
  public init() {}
}
