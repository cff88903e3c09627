//! The first order, end to end, through JSON: listing, quote, fill, cancel, restart.

use papertape_core::{TapeSink, World};

const ACCOUNT: &str = "3f0c9a52-5b1e-4a7e-9d6c-0123456789ab";

/// Sends one command a second and gives the outcome and the reply.
struct Desk {
    world: World,
    sink: TapeSink,
    now_ns: i64,
}

impl Desk {
    fn send(&mut self, command: &str) -> Option<(&'static str, String)> {
        self.now_ns += 1_000_000_000;
        self.world.apply_json(command.as_bytes(), self.now_ns, &mut self.sink)
    }

    fn outcome(&mut self, command: &str) -> &'static str {
        self.send(command).map_or("", |(outcome, _)| outcome)
    }

    /// A world with one stock, one account, and a quote.
    fn open() -> Desk {
        let world = World::new("main").expect("a fine name");
        let mut desk = Desk { world, sink: TapeSink::new(), now_ns: 0 };
        let account = format!(
            r#"{{"kind":"open_account","account_id":"{ACCOUNT}","owner":"u1","account_kind":"cash",
            "currency":"USD","starting_cash":"100000.00","request_id":"open"}}"#
        );
        for command in [
            r#"{"kind":"create_world","world":"main","seed":42,"sharing":"shared"}"#,
            r#"{"kind":"list_exchange","exchange":"XNAS","name":"Nasdaq","currency":"USD",
            "calendar":"XNYS","fees":{"maker_rate":"0","taker_rate":"0","per_share":"0.005",
            "minimum":"0"},"profile":{"name":"realistic","spread_ticks":1,"participation":"0.1",
            "market_orders":"street"}}"#,
            r#"{"kind":"list_instrument","symbol":"AAPL","name":"Apple Inc.",
            "asset_class":"us_equity","exchange":"XNAS","sector":"Technology","currency":"USD",
            "tick_size":"0.01","lot_size":"1","price_scale":6,"qty_scale":6,"source":"street",
            "trigger":"bid_ask"}"#,
            &account,
        ] {
            assert_eq!(desk.outcome(command), "created", "{command}");
            assert_eq!(desk.outcome(command), "existing", "{command}");
        }
        let quote = r#"{"kind":"quote","symbol":"AAPL","bid":"190.49","ask":"190.51",
            "bid_size":"100","ask_size":"50"}"#;
        assert_eq!(desk.send(quote), None);
        desk
    }

    fn buy(&self, id: &str, qty: u32) -> String {
        format!(
            r#"{{"kind":"submit","account_id":"{ACCOUNT}","client_order_id":"{id}","symbol":"AAPL",
            "side":"buy","type":"limit","qty":"{qty}","limit_price":"190.51",
            "time_in_force":"gtc"}}"#
        )
    }
}

fn field<'a>(reply: &'a str, key: &str) -> &'a str {
    let after = reply.split(&format!("\"{key}\":")).nth(1).unwrap_or("");
    after.split([',', '}']).next().unwrap_or("").trim_matches('"')
}

#[test]
fn an_order_fills_up_to_what_is_displayed_and_rests() {
    let mut desk = Desk::open();
    let (outcome, order) = desk.send(&desk.buy("one", 60)).expect("a reply");
    assert_eq!((outcome, field(&order, "status")), ("created", "partially_filled"));
    assert_eq!(field(&order, "filled_qty"), "50");
    assert_eq!(field(&order, "filled_avg_price"), "190.51");
    let batch = desk.sink.take();
    let fill = batch.rows.fills.first().expect("a fill");
    assert_eq!((fill.notional.as_str(), fill.fee.as_str()), ("9525.50", "0.25"));
    let account = batch.rows.accounts.first().expect("the account");
    assert_eq!(account.cash, "90474.25");
    assert_eq!(account.held, "1905.15");
    let kinds: Vec<&str> = batch.messages.iter().map(|message| message.kind).collect();
    assert!(kinds.ends_with(&["new", "partial_fill", "fill", "account", "position"]), "{kinds:?}");
}

#[test]
fn the_same_request_is_answered_with_the_same_order_and_another_body_is_refused() {
    let mut desk = Desk::open();
    let (_, first) = desk.send(&desk.buy("one", 60)).expect("a reply");
    let (outcome, again) = desk.send(&desk.buy("one", 60)).expect("a reply");
    assert_eq!((outcome, field(&again, "id")), ("existing", field(&first, "id")));
    assert_eq!(desk.outcome(&desk.buy("one", 61)), "id_reused");
}

#[test]
fn a_restored_world_goes_on_where_it_was() {
    let mut desk = Desk::open();
    let (_, order) = desk.send(&desk.buy("one", 60)).expect("a reply");
    let batch = desk.sink.take();
    let mut rebuilt = World::new("main").expect("a fine name");
    let mut rows = TapeSink::new();
    for turn in &batch.turns {
        rebuilt.evolve(turn, &mut rows).expect("a turn that fits");
    }
    assert_eq!(rows.take().rows, batch.rows);
    assert_eq!(rebuilt.state_hash(), desk.world.state_hash());
    let restored = World::restore(&desk.world.snapshot()).expect("a snapshot");
    assert_eq!(restored.state_hash(), desk.world.state_hash());
    let mut desk = Desk { world: restored, sink: TapeSink::new(), now_ns: desk.now_ns };
    let cancel = format!(
        r#"{{"kind":"cancel","account_id":"{ACCOUNT}","order_id":"{}","request_id":"c1"}}"#,
        field(&order, "id")
    );
    assert_eq!(desk.outcome(&cancel), "ok");
    assert_eq!(desk.outcome(&cancel), "existing");
    let account = desk.world.durable().account(0).expect("the account");
    assert_eq!(account.held, 0);
}
