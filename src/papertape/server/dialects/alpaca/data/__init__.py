"""Market data in the dialect of Alpaca, behind `/alpaca-data`: bars, quotes, trades, order books.

It serves what the product keeps: bars from the bar store, quote and book of now, the last prints.
It never makes data up; where nothing is kept, lists are empty.
"""
