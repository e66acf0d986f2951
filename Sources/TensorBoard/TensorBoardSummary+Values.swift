import LockstepReporting
import SwiftProtobuf

extension TensorBoardSummary.Value {
  /// A point of a curve.
  static func scalar(_ tag: String, _ number: Double) -> Self {
    .with {
      $0.tag = tag
      $0.simpleValue = Float(number)
    }
  }

  /// A text of the plugin "text", Markdown.
  static func text(_ tag: String, _ text: String) -> Self {
    .with {
      $0.tag = tag
      $0.metadata = .of(plugin: "text", .tensor)
      $0.tensor = .with {
        $0.dtype = .dtString
        $0.tensorShape = .of([1])
        $0.stringVal = [.init(text.utf8)]
      }
    }
  }

  /// A picture of the plugin "images": width, height and the file.
  static func image(_ tag: String, _ image: GrayImage) -> Self {
    .with {
      $0.tag = tag
      $0.metadata = .of(plugin: "images", .blobSequence)
      $0.tensor = .with {
        $0.dtype = .dtString
        $0.tensorShape = .of([3])
        $0.stringVal = [
          .init("\(image.width)".utf8), .init("\(image.height)".utf8), .init(image.png),
        ]
      }
    }
  }

  /// Counts of the plugin "histograms": rows of lower border, upper border, count.
  static func histogram(_ tag: String, _ histogram: Histogram) -> Self {
    let buckets = histogram.buckets
    return .with {
      $0.tag = tag
      $0.metadata = .of(plugin: "histograms", .tensor)
      $0.tensor = .with {
        $0.dtype = .dtDouble
        $0.tensorShape = .of([buckets.count, 3])
        $0.doubleVal = buckets.flatMap { [$0.lower, $0.upper, Double($0.count)] }
      }
    }
  }

  /// The name of what tells of a run's end.
  static let end = "session_end_info"
  /// The tag that it has in a file.
  static let endTag = "_hparams_/" + end

  /// A record of the plugin "hparams".
  ///
  /// - Parameter name: Which record: "session_start_info".
  static func hyperparameters(_ name: String, _ data: TensorBoardHParamsPluginData) -> Self {
    .with {
      $0.tag = "_hparams_/\(name)"
      $0.metadata = .of(plugin: "hparams", .tensor)
      // Nothing but small numbers and texts of a configuration, which can be serialised.
      $0.metadata.pluginData.content = (try? data.serializedData()) ?? .init()
      // TensorBoard's data server passes over values without a tensor.
      $0.tensor = .with {
        $0.dtype = .dtDouble
        $0.tensorShape = .of([0])
      }
    }
  }
}

extension TensorBoardSummaryMetadata {
  fileprivate static func of(plugin: String, _ dataClass: TensorBoardDataClass) -> Self {
    .with {
      $0.pluginData = .with { $0.pluginName = plugin }
      $0.dataClass = dataClass
    }
  }
}

extension TensorBoardTensorShapeProto {
  fileprivate static func of(_ sizes: [Int]) -> Self {
    .with { $0.dim = sizes.map { size in .with { $0.size = Int64(size) } } }
  }
}
