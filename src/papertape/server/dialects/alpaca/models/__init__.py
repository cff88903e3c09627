"""What travels in the dialect of Alpaca: bodies that are taken, objects that are given."""
