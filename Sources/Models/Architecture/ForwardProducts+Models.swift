import LockstepNeuralNetworks

extension GPT {
  public func products(sequences: Int, positions: Int) -> ForwardProducts {
    let (width, layers) = (configuration.width, configuration.layers)
    let rows = sequences * positions
    var products = ForwardProducts()
    products.add(rows: rows, inner: width, columns: 3 * width, count: layers)
    products.addCausalAttention(
      sequences: sequences, positions: positions, width: width, count: layers)
    products.add(rows: rows, inner: width, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: 4 * width, count: layers)
    products.add(rows: rows, inner: 4 * width, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: headWeight.shape[0])
    return products
  }
}

extension Llama {
  public func products(sequences: Int, positions: Int) -> ForwardProducts {
    let (width, layers) = (configuration.width, configuration.layers)
    let (hidden, rows) = (configuration.feedForwardWidth, sequences * positions)
    let queryColumns = configuration.heads * configuration.headWidth
    let keyColumns = configuration.keyValueHeadCount * configuration.headWidth
    var products = ForwardProducts()
    products.add(rows: rows, inner: width, columns: queryColumns, count: layers)
    products.add(rows: rows, inner: width, columns: keyColumns, count: 2 * layers)
    products.addCausalAttention(
      sequences: sequences, positions: positions, width: queryColumns, count: layers)
    products.add(rows: rows, inner: queryColumns, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: hidden, count: 2 * layers)
    products.add(rows: rows, inner: hidden, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: headWeight.shape[0])
    return products
  }
}

extension BERT {
  public func products(sequences: Int, positions: Int, predicted: Int) -> ForwardProducts {
    let (width, layers) = (configuration.width, configuration.layers)
    let (hidden, rows) = (configuration.feedForwardWidth, sequences * positions)
    var products = ForwardProducts()
    products.add(rows: rows, inner: width, columns: width, count: 4 * layers)
    products.addFullAttention(
      sequences: sequences, queries: positions, keys: positions, width: width, count: layers)
    products.add(rows: rows, inner: width, columns: hidden, count: layers)
    products.add(rows: rows, inner: hidden, columns: width, count: layers)
    products.add(rows: predicted, inner: width, columns: width)
    products.add(rows: predicted, inner: width, columns: headWeight.shape[0])
    return products
  }
}
