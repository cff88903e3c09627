//! The simulated market: seeded price processes and house bots; they only emit inputs.
