/// How many clients a round of secure aggregation may have.
package enum SecureLimits {
  /// With fewer, a client that knows its own change would know those of the others.
  package static let fewestClients = 3
  /// Secrets are shared out at points of a field of 256 elements, of which 0 is the secret.
  package static let mostClients = 255
}
