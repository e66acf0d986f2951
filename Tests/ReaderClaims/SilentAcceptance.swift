/// Something was read that can not be right.
package struct SilentAcceptance: Error {
  package let problem: String

  package init(_ problem: String) { self.problem = problem }

  /// Throws it unless the claim holds.
  package static func unless(_ holds: Bool, _ problem: @autoclosure () -> String) throws {
    if !holds { throw SilentAcceptance(problem()) }
  }
}
