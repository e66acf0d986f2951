import LockstepCommunication
import LockstepTraining
import Testing

@Suite struct OpenBLASKernelsTests {
  @Test(arguments: [
    ("Prescott", "x86-64-v4", "OPENBLAS_CORETYPE=SkylakeX"),
    ("Prescott", "x86-64-v3", "OPENBLAS_CORETYPE=Haswell"),
    ("NEHALEM", "x86-64-v3", "OPENBLAS_CORETYPE=Haswell"),
    ("Sandybridge", "x86-64-v4", "OPENBLAS_CORETYPE=SkylakeX"),
  ])
  func genericKernelsOnABetterProcessorAreAFinding(
    name: String, level: String, advice: String
  ) throws {
    let kernels = OpenBLASKernels(name: name, processorLevel: level, canChoose: true)
    let finding = try #require(kernels.finding)
    #expect(finding.contains("\(name) kernels") && finding.hasSuffix("set \(advice)"))
    let fixed = OpenBLASKernels(name: name, processorLevel: level, canChoose: false)
    #expect(fixed.finding?.contains("DYNAMIC_ARCH") == true)
    #expect(fixed.finding?.contains("OPENBLAS_CORETYPE") == false)
  }

  @Test(arguments: [
    ("Prescott", "x86-64"), ("Prescott", "generic"), ("Haswell", "x86-64-v4"),
    ("Zen", "x86-64-v4"), ("SkylakeX", "x86-64-v4"), ("Haswell", "x86-64-v3"),
    ("SapphireRapids", "x86-64-v4"), ("neoversen1", "generic"),
  ])
  func kernelsThatFitAreNone(name: String, level: String) {
    #expect(
      OpenBLASKernels(name: name, processorLevel: level, canChoose: true).finding == nil)
  }

  @Test func whatIsLoadedHasAName() {
    #expect(!OpenBLASKernels.current.name.isEmpty)
  }
}
