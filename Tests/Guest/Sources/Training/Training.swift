/// A type of the user's own, in a module that is called as a folder of Lockstep's.
public struct GuestTraining {
  public let name = "Training"
  public init() {}
}
