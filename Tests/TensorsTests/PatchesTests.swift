import Foundation
import LockstepTensors
import TestSupport
import Testing

/// What vision and the smallest models need: patches, the mean over positions, the sine.
@Suite struct PatchesTests {
  @Test func patchesAreReadRowByRow() {
    let image = Tensor((0..<16).map(Float.init), shape: [1, 4, 4], in: Workspace())
    let patches = image.patches(side: 2)
    #expect(patches.shape == [1, 4, 4])
    #expect(patches.elements == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
  }

  @Test(arguments: [(1, 4, 4, 1), (2, 6, 9, 3), (3, 4, 8, 4)])
  func patchesAndTheirGradientsFollowTheFormula(
    images: Int, height: Int, width: Int, side: Int
  ) {
    let checker = GradientChecker { $0[0].patches(side: side) }
    let inputs = ElementwiseTests.inputs(1, [images, height, width])
    let failures = checker.failures(inputs: inputs) { values in
      (0..<images * height * width).map { element in
        let (patch, pixel) = element.quotientAndRemainder(dividingBy: side * side)
        let (image, place) = patch.quotientAndRemainder(
          dividingBy: height / side * (width / side))
        let row = place / (width / side) * side + pixel / side
        let column = place % (width / side) * side + pixel % side
        return values[0][(image * height + row) * width + column]
      }
    }
    #expect(failures == [])
  }

  @Test(arguments: [(1, 1, 1), (2, 5, 17), (3, 49, 64)])
  func theMeanOverPositionsIsOne(sequences: Int, positions: Int, width: Int) {
    let checker = GradientChecker { $0[0].meanOverPositions() }
    let inputs = ElementwiseTests.inputs(1, [sequences, positions, width])
    let failures = checker.failures(inputs: inputs) { values in
      (0..<sequences * width).map { element in
        let (sequence, column) = element.quotientAndRemainder(dividingBy: width)
        return (0..<positions).reduce(0) {
          $0 + values[0][(sequence * positions + $1) * width + column]
        } / Double(positions)
      }
    }
    #expect(failures == [])
  }

  @Test(arguments: [1, 17, 130])
  func theSineAndItsSlopeAreThoseOfTheLibrary(count: Int) {
    let checker = GradientChecker { $0[0].sine() }
    let inputs = [
      GradientChecker.Input(
        ElementwiseTests.inputs(1, [count])[0].elements.map { 3 * $0 }, shape: [count])
    ]
    #expect(checker.failures(inputs: inputs) { $0[0].map { Foundation.sin($0) } } == [])
  }
}
