import Foundation
import LockstepFiles
import SwiftProtobuf

#if canImport(Glibc)
  import Glibc
#endif

/// A file of TensorBoard's events, being written: records of a length, its checksum, an event and its
/// checksum, as TFRecord has them.
///
/// Each record reaches the kernel whole, so that TensorBoard can follow, and a killed run leaves a file that can
/// be read up to its last step. After one that could not be written whole there is none.
final class EventFile {
  private let file: RecordFile

  /// Makes a file of its own in a directory, beside those that are there.
  ///
  /// - Parameter date: When the first event was made: its second is part of the name, which TensorBoard reads
  ///   files in the order of.
  init(in directory: String, date: Date) throws(FileError) {
    let seconds = String(format: "%010d", Int(date.timeIntervalSince1970))
    var number = 0
    while true {
      let path =
        "\(directory)/events.out.tfevents.\(seconds).lockstep.\(String(format: "%03d", number))"
      do throws(FileError) {
        file = try RecordFile(path: path, flags: O_EXCL)
        break
      } catch {
        // Two within a second, where a run is resumed at once.
        guard error.code == EEXIST else { throw error }
        number += 1
      }
    }
    try append(
      TensorBoardEvent.with {
        $0.wallTime = date.timeIntervalSince1970
        $0.fileVersion = "brain.Event:2"
      })
  }

  func append(_ event: TensorBoardEvent) throws(FileError) {
    let content: [UInt8]
    do {
      content = try event.serializedBytes()
    } catch {
      // Only what lacks a required member, or is larger than 2 GiB, can not be serialised.
      preconditionFailure("an event can not be serialised: \(error)")
    }
    try file.append(EventRecords.record(of: content))
  }
}

/// The records of an event file.
package struct EventRecords {
  /// An event's step, and where its record ends, in bytes from the start of the file.
  package struct Place: Equatable {
    package let step: Int
    package let end: Int
    /// Whether the event tells of the run's end.
    var isOfEnd = false
  }

  /// Those up to the end or to the first that is damaged or cut.
  package private(set) var places: [Place] = []
  package private(set) var events: [TensorBoardEvent] = []

  static let frameByteCount = 16

  /// - Parameter keepsEvents: Whether `events` are to be kept. Default: no.
  package init(_ file: UnsafeRawBufferPointer, keepsEvents: Bool = false) {
    var start = 0
    while file.count - start >= Self.frameByteCount {
      let length = file.loadUnaligned(fromByteOffset: start, as: UInt64.self)
      let room = file.count - start - Self.frameByteCount
      guard let count = Int(exactly: UInt64(littleEndian: length)), count <= room else { return }
      let content = UnsafeRawBufferPointer(rebasing: file[start + 12..<start + 12 + count])
      let sum = file.loadUnaligned(fromByteOffset: start + 12 + count, as: UInt32.self)
      guard UInt32(littleEndian: sum) == Checksum.masked(content),
        let event = try? TensorBoardEvent(serializedBytes: Array(content))
      else { return }
      start += Self.frameByteCount + count
      let isOfEnd = event.summary.value.contains { $0.tag == TensorBoardSummary.Value.endTag }
      places.append(Place(step: Int(event.step), end: start, isOfEnd: isOfEnd))
      if keepsEvents { events.append(event) }
    }
  }

  /// How many bytes hold the records up to a step: steps never fall within a file, and a run's end is the last event of
  /// one.
  func byteCount(upToStep step: Int, withEnd: Bool) -> Int {
    places.prefix { $0.step <= step && (withEnd || !$0.isOfEnd) }.last?.end ?? 0
  }

  /// An event between its length and the checksums, numbers little-endian.
  static func record(of event: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: event.count + frameByteCount) { record, count in
      count = event.count + frameByteCount
      event.withUnsafeBytes { event in
        let record = UnsafeMutableRawBufferPointer(record)
        record.storeBytes(of: UInt64(event.count).littleEndian, as: UInt64.self)
        let length = Checksum.masked(UnsafeRawBufferPointer(rebasing: record[..<8]))
        record.storeBytes(of: length.littleEndian, toByteOffset: 8, as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: record[12..<12 + event.count])
          .copyMemory(from: event)
        record.storeBytes(
          of: Checksum.masked(event).littleEndian, toByteOffset: 12 + event.count, as: UInt32.self)
      }
    }
  }

  /// Removes from the event files of a directory what comes after a step, because it will be taken again.
  ///
  /// - Parameters:
  ///   - step: 0 removes the files.
  ///   - keepsEnd: Whether what tells of the run's end stays.
  static func shorten(
    in directory: String, toStep step: Int, keepsEnd: Bool
  ) throws(FileError) {
    for name in try FileSystem.namesIfAny(in: directory) where name.contains(".tfevents.") {
      let path = "\(directory)/\(name)"
      let file = try MappedFile(path: path)
      let (kept, all) = file.withBytes {
        (EventRecords($0).byteCount(upToStep: step, withEnd: keepsEnd), $0.count)
      }
      if step == 0 || kept == 0 {
        try FileSystem.remove(path)
      } else if kept < all, truncate(path, off_t(kept)) != 0 {
        throw .last("shorten", path)
      }
    }
  }
}
