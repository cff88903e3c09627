//! The engine: decides what happens on a simulated exchange, and nothing else.
