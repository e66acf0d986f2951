/// A type of the user's own, in a module that is called as a folder of Lockstep's.
public struct GuestWeights {
  public let name = "Weights"
  public init() {}
}
