import LockstepSettings

/// The keys of `samples.json` and their ranges, so that a file that describes no samples is refused.
extension SampleDescription: Configurable {
  /// A description of nothing, which no file is: `check` refuses it.
  public init() {
    (sampleShape, means, deviations, targetMean) = ([], [], [], 0)
  }

  /// The most features of a sample.
  private static let featureLimit = 1 << 24

  public static var fields: [Field<Self>] {
    [
      Field(
        "sample_shape", \.sampleShape, .notEmptyList(each: .within(1...featureLimit)),
        meaning: "[H, W] of an image, [F] of a table's row."),
      Field("columns", \.columns, meaning: "A table's columns; null for images."),
      Field("target", \.target, meaning: "The column to be predicted; null for images."),
      Field(
        "classes", \.classes,
        meaning: "What the data call the classes; null where a value is predicted."),
      Field("names", \.names, meaning: "What people call them; null: the same."),
      Field("means", \.means, meaning: "Subtracted from each feature."),
      Field(
        "deviations", \.deviations, .notEmptyList(each: .above(0)),
        meaning: "What is left is divided by these."),
      Field("target_mean", \.targetMean, meaning: "The mean of the values to be predicted."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    var features: Int? = 1
    for extent in sampleShape {
      let (product, overflows) = (features ?? 0).multipliedReportingOverflow(by: extent)
      features = overflows || features == nil ? nil : product
    }
    let count = features ?? 0
    let isTable = columns != nil
    checks.require(
      sampleShape.count == (isTable ? 1 : 2) && (1...Self.featureLimit).contains(count),
      "sample_shape",
      isTable
        ? "[F], for there are columns"
        : "[H, W] of an image of at most \(Self.featureLimit) pixels, for there are no columns")
    if let columns {
      checks.require(
        columns.count == count && Set(columns).count == count, "columns",
        "as many names as sample_shape says, each once", involving: "sample_shape")
    }
    checks.require(
      isTable == (target != nil), "target",
      isTable ? "a column, for there are columns" : "null, for there are no columns",
      involving: "columns")
    if let target {
      checks.require(
        columns?.contains(target) != true, "target", "none of columns", involving: "columns")
    }
    if let classes {
      checks.require(
        !classes.isEmpty && Set(classes).count == classes.count, "classes",
        "at least one name, each once")
    } else {
      checks.require(isTable, "classes", "names, for there are no columns")
    }
    if let names {
      checks.require(
        names.count == classes?.count && Set(names).count == names.count, "names",
        "a name for each of classes, each once", involving: "classes")
    }
    checks.require(
      means.count == (isTable ? count : 1), "means",
      isTable ? "one number for each column" : "one number for all pixels",
      involving: "sample_shape")
    checks.require(
      deviations.count == means.count, "deviations", "as many numbers as means",
      involving: "means")
  }
}
