public protocol UserInputError: Error, CustomStringConvertible {}
