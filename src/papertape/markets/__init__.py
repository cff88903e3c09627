"""Where prices come from: market files, replay, the simulated market, bars and their store.

Start reading at `files.load` for the past, `replay.ReplayMarket` and `simulated` for the sources
that a floor runs, `bars.BarBuilder` and `store.BarStore` for candles. This room never matches an
order and never touches money; it hands inputs to the engine and keeps what was printed.
"""
