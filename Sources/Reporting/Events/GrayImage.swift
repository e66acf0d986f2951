import CLockstepZlib
import Foundation

/// A small picture in shades of grey, such as a sample of a classifier.
public struct GrayImage: Equatable, Sendable {
  public let width: Int
  public let height: Int
  /// 0 black to 255 white, row by row, [H · W].
  public let pixels: [UInt8]

  /// - Precondition: As many pixels as width and height say, at least one.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height,
      "\(pixels.count) pixels are not \(height) × \(width)")
    (self.width, self.height, self.pixels) = (width, height, pixels)
  }

  /// As a file: PNG (ISO/IEC 15948), 8 bits a pixel.
  public var png: [UInt8] {
    // Each row begins with the filter that it was written by: 0, none.
    let rows = (0..<height).flatMap { [0] + pixels[$0 * width..<($0 + 1) * width] }
    // Width, height, 8 bits, grey, and the only methods there are.
    let header = Self.bigEndian(width) + Self.bigEndian(height) + [8, 0, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
      + Self.chunk("IDAT", Self.compressed(rows)) + Self.chunk("IEND", [])
  }

  /// As an address that holds the file, for pages.
  var dataURL: String { "data:image/png;base64," + Data(png).base64EncodedString() }

  /// Length, type, content and checksum.
  private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
    let named = Array(type.utf8) + content
    let sum = crc32(0, named, UInt32(named.count))
    return bigEndian(content.count) + named + bigEndian(Int(sum))
  }

  private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var count = compressBound(UInt(bytes.count))
    let found = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
      let status = compress2(buffer.baseAddress, &count, bytes, UInt(bytes.count), 6)
      precondition(status == Z_OK, "zlib: status \(status)")
      initialized = Int(count)
    }
    return found
  }

  /// Four bytes.
  private static func bigEndian(_ number: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
  }
}
