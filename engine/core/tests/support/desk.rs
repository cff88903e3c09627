//! A world behind its JSON door, with one listing and short ways to send things.
// Each test program uses a part of it.
#![allow(dead_code)]

use papertape_core::{Batch, TapeSink, TapeTurn, World};
use serde_json::{Value, json};

/// 2026-01-05T09:00:00Z.
pub const MORNING_NS: i64 = 1_767_603_600_000_000_000;
pub const SECOND_NS: i64 = 1_000_000_000;

/// A world, its sink, a clock, and everything that came out.
pub struct Desk {
    pub world: World,
    pub sink: TapeSink,
    pub now_ns: i64,
    pub turns: Vec<TapeTurn>,
}

/// UUID of the n-th account.
pub fn account_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

impl Desk {
    /// A world with the exchange X (taker fee 0.001) and the stock ACME.
    pub fn open() -> Desk {
        let world = World::new("main").expect("a fine name");
        let mut desk = Desk { world, sink: TapeSink::new(), now_ns: MORNING_NS, turns: Vec::new() };
        desk.send(
            &json!({"kind": "create_world", "world": "main", "seed": 42, "sharing": "shared"}),
        );
        desk.send(&json!({
            "kind": "list_exchange", "exchange": "X", "name": "Exchange", "currency": "USD",
            "calendar": "always",
            "fees": {"maker_rate": "0", "taker_rate": "0.001", "per_share": "0", "minimum": "0"},
            "profile": {"name": "realistic", "spread_ticks": 1, "participation": "0.1",
                        "market_orders": "street"},
        }));
        desk.list("ACME", "street");
        desk
    }

    pub fn list(&mut self, symbol: &str, source: &str) {
        self.send(&json!({
            "kind": "list_instrument", "symbol": symbol, "name": "Acme Inc.",
            "asset_class": "us_equity", "exchange": "X", "sector": "Technology", "currency": "USD",
            "tick_size": "0.01", "lot_size": "1", "price_scale": 6, "qty_scale": 6,
            "source": source, "trigger": "bid_ask",
        }));
    }

    pub fn send(&mut self, command: &Value) -> Option<(&'static str, Value)> {
        let text = command.to_string();
        let reply = self.world.apply_json(text.as_bytes(), self.now_ns, &mut self.sink);
        reply.map(|(outcome, body)| (outcome, serde_json::from_str(&body).expect("JSON")))
    }

    /// Sends what has a reply.
    pub fn ask(&mut self, command: &Value) -> (&'static str, Value) {
        self.send(command).unwrap_or_else(|| panic!("{command} has no reply"))
    }

    pub fn open_account(&mut self, number: u64, cash: &str) {
        let (outcome, _) = self.ask(&json!({
            "kind": "open_account", "account_id": account_id(number), "owner": "u1",
            "account_kind": "cash", "currency": "USD", "starting_cash": cash, "request_id": "open",
        }));
        assert_eq!(outcome, "created");
    }

    pub fn quote(&mut self, bid: &str, ask: &str, size: &str) {
        let quote = json!({"kind": "quote", "symbol": "ACME", "bid": bid, "ask": ask,
                           "bid_size": size, "ask_size": size});
        assert_eq!(self.send(&quote), None);
    }

    pub fn limit(&mut self, id: &str, side: &str, qty: &str, price: &str) -> (&'static str, Value) {
        self.ask(&json!({
            "kind": "submit", "account_id": account_id(1), "client_order_id": id, "symbol": "ACME",
            "side": side, "type": "limit", "qty": qty, "limit_price": price, "time_in_force": "gtc",
        }))
    }

    /// Time passes and is told, once.
    pub fn pass(&mut self, seconds: i64) {
        self.now_ns += seconds * SECOND_NS;
        assert_eq!(self.send(&json!({"kind": "time"})), None);
    }

    pub fn take(&mut self) -> Batch {
        let batch = self.sink.take();
        self.turns.extend(batch.turns.iter().cloned());
        batch
    }
}
