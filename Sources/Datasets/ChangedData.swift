import LockstepSettings

/// What resuming does where the data are no longer what the run learned from.
public enum ChangedData: String, SettingChoice {
  case refuse
  case accept

  public var documentation: String {
    switch self {
    case .refuse: "Ends with what differs."
    case .accept:
      "Goes on, and says what differs: the steps to come read what a run on the new files would read "
        + "in them, with the normalisation that the model was trained with. Another tokenizer, other "
        + "classes, other columns, and another model that the run reads again (that of an adapter, a "
        + "reference, a teacher) are refused all the same."
    }
  }
}
