/// The rows that have a target, moved together. Whatever their number, the same sizes of memory are
/// asked for: a pool's buffers are found again.
struct CountedRows {
  /// The rows one after the other; any contents behind them. The inputs as they are where every row
  /// has a target.
  let inputs: Tensor
  /// A target for each. Where no row has one, the first row stands there, to be ignored.
  let targets: [Int32]
  /// Where each was; nil: all where they were.
  private let places: [Int]?

  var count: Int { targets.count }

  init(of inputs: Tensor, targets: [Int32]) {
    let found = targets.indices.filter { targets[$0] >= 0 }
    guard found.count < targets.count else {
      (self.inputs, self.targets, places) = (inputs, targets, nil)
      return
    }
    let places = found.isEmpty ? [0] : found
    let width = inputs.shape.last
    let together = Tensor(uninitialized: inputs.shape, in: inputs.workspace)
    for (row, place) in places.enumerated() {
      (together.pointer + row * width).update(from: inputs.pointer + place * width, count: width)
    }
    (self.inputs, self.targets, self.places) = (together, places.map { targets[$0] }, places)
  }

  /// Moves rows to where they belong, in place, and zeroes all others.
  ///
  /// - Parameters:
  ///   - rows: As many as the inputs have, [..., width].
  ///   - width: Default: the innermost extent.
  func spread(_ rows: Tensor, width: Int? = nil) {
    guard let places else { return }
    let width = width ?? rows.shape.last
    // From the last on: a row never moves to where another still lies.
    var end = rows.count / width
    for (row, place) in places.enumerated().reversed() {
      let target = rows.pointer + place * width
      if place > row { target.update(from: rows.pointer + row * width, count: width) }
      (target + width).update(repeating: 0, count: (end - place - 1) * width)
      end = place
    }
    rows.pointer.update(repeating: 0, count: end * width)
  }

  /// The elements of these rows, of one for each row of the inputs.
  func gathered(_ elements: Tensor) -> [Float] {
    elements.withElements { elements in places?.map { elements[$0] } ?? Array(elements) }
  }
}
