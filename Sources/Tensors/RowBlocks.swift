/// Rows cut into blocks of fixed height: sums over rows are taken within blocks, then over blocks,
/// whatever the number of threads.
struct RowBlocks {
  let rows: Int
  let columns: Int

  var count: Int { (rows + Grain.rowBlock - 1) / Grain.rowBlock }

  /// The rows of one block.
  subscript(index: Int) -> Range<Int> {
    index * Grain.rowBlock..<min(rows, (index + 1) * Grain.rowBlock)
  }

  /// Runs `body(rows, index)` for each block.
  func run(on workspace: Workspace, _ body: (_ rows: Range<Int>, _ index: Int) -> Void) {
    workspace.threads.run(tasks: count) { body(self[$0], $0) }
  }

  /// The same for work that columns do apart from each other: where there are fewer blocks than threads, they
  /// are cut between columns, too.
  func runStrips(
    on workspace: Workspace,
    _ body: (_ rows: Range<Int>, _ columns: Range<Int>, _ index: Int) -> Void
  ) {
    let wanted = (workspace.threads.threadCount + count - 1) / max(count, 1)
    let width = max(64, (columns / max(wanted, 1) + 15) / 16 * 16)
    let strips = (columns + width - 1) / width
    workspace.threads.run(tasks: count * strips) { task in
      let (index, strip) = task.quotientAndRemainder(dividingBy: strips)
      body(self[index], strip * width..<min(columns, (strip + 1) * width), index)
    }
  }
}
