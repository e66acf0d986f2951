// B points.

import Lockstep

/// Two spirals that wind around each other three times: which of the two does a point lie on?
///
/// No line divides them, and no circle: a network has to bend its borders (K. Lang and M. Witbrock,
/// "Learning to tell two spirals apart", 1988).
enum Spirals {
  static let count = 192

  /// Points of both spirals in turns: even numbers lie on the first, odd ones on the second.
  static let points: [(x: Float, y: Float)] = {
    var (x, y) = (1.0, 0.0)
    return (0..<count).flatMap { index -> [(x: Float, y: Float)] in
      let radius = Double(index + 8) / Double(count + 8)
      let point = (x: Float(radius * x), y: Float(radius * y))
      // A turn by three rounds in all, 2π · 3 / 192. Numbers that are written down are the same on
      // every machine; a library's sine need not be.
      let (cosine, sine) = (0.995_184_726_672_196_9, 0.098_017_140_329_560_6)
      (x, y) = (x * cosine - y * sine, x * sine + y * cosine)
      return [point, (-point.x, -point.y)]
    }
  }()

  /// Every fourth pair is held out: the network never learns from it.
  static let (training, heldOut) = (
    points.indices.filter { $0 / 2 % 4 != 3 }, points.indices.filter { $0 / 2 % 4 == 3 }
  )
}
