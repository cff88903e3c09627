//! Runs scenario statements against a world through its public door: JSON in, rows out.

use std::collections::BTreeMap;

use papertape_core::rows::{AccountRow, FillRow, OrderRow, PositionRow};
use papertape_core::units::{format_decimal, parse_decimal};
use papertape_core::{Batch, TapeSink, TapeTurn, World};
use serde_json::{Value, json};

use super::language::{Statement, is_same, member, members, merge, nanos_of, seconds_of};
use super::proof;

/// A world, the read models that a server would have, and the names of the table.
pub struct Stage {
    pub world: World,
    sink: TapeSink,
    now_ns: i64,
    pub turns: Vec<TapeTurn>,
    /// Every command that was sent, and when.
    pub sent: Vec<(i64, String)>,
    pub tables: proof::Tables,
    accounts: BTreeMap<String, String>,
    orders: BTreeMap<String, NamedOrder>,
    agents: BTreeMap<String, u64>,
    count: usize,
}

struct NamedOrder {
    request: Value,
    account: String,
    id: Option<String>,
}

/// What a user was answered with.
struct Answer {
    outcome: String,
    body: Value,
    account: String,
}

impl Stage {
    pub fn new() -> Stage {
        let world = World::new("main").expect("a fine name");
        let mut stage = Stage {
            world,
            sink: TapeSink::new(),
            now_ns: nanos_of("2026-01-05T09:00:00Z"),
            turns: Vec::new(),
            sent: Vec::new(),
            tables: proof::Tables::default(),
            accounts: BTreeMap::new(),
            orders: BTreeMap::new(),
            agents: BTreeMap::new(),
            count: 0,
        };
        stage.create("shared");
        stage
    }

    fn create(&mut self, sharing: &str) {
        self.must(&json!({"kind": "create_world", "world": "main", "seed": 1, "sharing": sharing}));
    }

    /// Begins again with a world of this sharing; the first statement of a scenario.
    fn begin(&mut self, sharing: &str) {
        self.world = World::new("main").expect("a fine name");
        self.turns.clear();
        self.sent.clear();
        self.tables = proof::Tables::default();
        self.create(sharing);
    }

    /// A command as JSON, with `@A` for the id of an account, `$NAME` for that of an order and
    /// `%NAME` for that of its first fill.
    fn command(&mut self, statement: &Statement) {
        let mut text = statement.text.trim_start_matches("do ").to_owned();
        for (name, id) in &self.accounts {
            text = text.replace(&format!("\"@{name}\""), &format!("\"{id}\""));
        }
        for (name, order) in &self.orders {
            let id = order.id.as_deref().unwrap_or("");
            text = text.replace(&format!("\"${name}\""), &format!("\"{id}\""));
            let fills = self.tables.fills.values().filter(|fill| fill.order_id == id);
            if let Some(fill) = fills.min_by_key(|fill| (fill.seq, fill.i)) {
                text = text.replace(&format!("\"%{name}\""), &format!("\"{}\"", fill.fill_id));
            }
        }
        let command = serde_json::from_str(&text).expect("a JSON command");
        let (outcome, body) = self.send(&command).unwrap_or_else(|| ("ok".to_owned(), Value::Null));
        let told = format!("answered {outcome} {body}");
        let refused = statement.expectations.iter().find(|words| words[0] == "refused");
        match refused {
            Some(words) => assert_eq!(body["reason"].as_str(), Some(words[1].as_str()), "{told}"),
            None => assert!(["created", "existing", "ok"].contains(&outcome.as_str()), "{told}"),
        }
        if statement.expectations.iter().any(|words| words[0] == "existing") {
            assert_eq!(outcome, "existing", "{told}");
        }
        for words in statement.expectations.iter().filter(|words| words[0] == "field") {
            assert!(is_same(member(&body, &words[1]), &words[2]), "{words:?}: {told}");
        }
    }

    fn send(&mut self, command: &Value) -> Option<(String, Value)> {
        let text = command.to_string();
        self.sent.push((self.now_ns, text.clone()));
        let reply = self.world.apply_json(text.as_bytes(), self.now_ns, &mut self.sink);
        let batch: Batch = self.sink.take();
        self.turns.extend(batch.turns);
        self.tables.upsert(batch.rows);
        reply.map(|(outcome, body)| {
            (outcome.to_owned(), serde_json::from_str(&body).expect("replies are JSON"))
        })
    }

    /// Sends what must be taken.
    fn must(&mut self, command: &Value) {
        if let Some((outcome, body)) = self.send(command) {
            let fine = ["created", "existing", "ok"].contains(&outcome.as_str());
            assert!(fine, "{command} was answered with {outcome} {body}");
        }
    }

    pub fn run(&mut self, statement: &Statement) {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        match words[0] {
            "account" => self.open_account(&words),
            "exchange" => self.list_exchange(&words),
            "instrument" => self.list_instrument(&words),
            "time" => self.pass(words[1]),
            "restart" => self.restart(),
            "leg" => self.name_leg(&words),
            "world" => self.begin(words[1]),
            "do" => self.command(statement),
            "check" => self.check(&words[1..], statement),
            "buy" | "sell" | "mleg" | "again" | "reuse" | "cancel" | "replace" | "cancel_all" => {
                let answer = self.ask(&words);
                self.expect(&answer, &statement.expectations);
            }
            _ => {
                let command = self.market(&words);
                self.must(&command);
            }
        }
    }

    fn open_account(&mut self, words: &[&str]) {
        let id = format!("00000000-0000-4000-8000-{:012}", self.accounts.len() + 1);
        self.accounts.insert(words[1].to_owned(), id.clone());
        let kind = option(words, "kind").unwrap_or("cash");
        let mut command = json!({
            "kind": "open_account", "account_id": id, "owner": words[1], "account_kind": kind,
            "currency": words[2], "starting_cash": words[3], "request_id": "open",
        });
        set_with(&mut command, words);
        self.must(&command);
    }

    fn list_exchange(&mut self, words: &[&str]) {
        let option = |key, default| option(words, key).unwrap_or(default).to_owned();
        let spread: u32 = option("spread_ticks", "1").parse().expect("a whole number");
        let mut command = json!({
            "kind": "list_exchange", "exchange": words[1], "name": words[1], "currency": "USD",
            "calendar": "always",
            "fees": {
                "maker_rate": option("maker_rate", "0"), "taker_rate": option("taker_rate", "0"),
                "per_share": option("per_share", "0"), "minimum": option("minimum", "0"),
            },
            "profile": {
                "name": "table", "spread_ticks": spread,
                "participation": option("participation", "0"),
                "market_orders": option("market_orders", "street"),
            },
        });
        set_with(&mut command, words);
        self.must(&command);
    }

    fn list_instrument(&mut self, words: &[&str]) {
        let option = |key, default| option(words, key).unwrap_or(default).to_owned();
        let scale = |key| option(key, "6").parse::<u8>().expect("a whole number");
        let mut command = json!({
            "kind": "list_instrument", "symbol": words[1], "name": words[1],
            "asset_class": "us_equity", "exchange": words[2], "sector": "", "currency": "USD",
            "tick_size": option("tick", "0.01"), "lot_size": option("lot", "1"),
            "price_scale": scale("price_scale"), "qty_scale": scale("qty_scale"),
            "source": option("source", "street"), "trigger": option("trigger", "bid_ask"),
        });
        set_with(&mut command, words);
        self.must(&command);
    }

    fn market(&mut self, words: &[&str]) -> Value {
        let symbol = words[1];
        match words[0] {
            "quote" => {
                let (bids, asks) = levels(&words[2..]);
                let mut quote = json!({"kind": "quote", "symbol": symbol});
                for (side, level) in [("bid", bids.first()), ("ask", asks.first())] {
                    if let Some((price, size)) = level {
                        quote[side] = json!(price);
                        quote[format!("{side}_size")] = json!(size);
                    }
                }
                quote
            }
            "depth" => {
                let (bids, asks) = levels(&words[2..]);
                json!({"kind": "depth", "symbol": symbol, "bids": bids, "asks": asks})
            }
            "trade" => {
                json!({"kind": "trade", "symbol": symbol, "price": words[2], "qty": words[4]})
            }
            "bar" => json!({
                "kind": "bar", "symbol": symbol, "open": words[2], "high": words[3],
                "low": words[4], "close": words[5], "volume": option(words,
                    "volume").unwrap_or("0"),
            }),
            "agent" => self.agent(words),
            "agent_cancel" => {
                json!({"kind": "agent_cancel", "symbol": symbol, "id": self.agents[words[2]]})
            }
            "session" => json!({
                "kind": "session", "exchange": symbol, "state": words[2],
                "auction": words.get(3),
            }),
            verb => panic!("unknown statement {verb:?}"),
        }
    }

    fn agent(&mut self, words: &[&str]) -> Value {
        let id = self.agents.len() as u64 + 1;
        let name = option(words, "as").map_or_else(|| format!("agent-{id}"), str::to_owned);
        self.agents.insert(name, id);
        json!({
            "kind": "agent_order", "symbol": words[1], "agent": 1, "id": id, "side": words[2],
            "price": option(words, "limit"), "qty": words[3],
        })
    }

    fn pass(&mut self, time: &str) {
        self.now_ns = match time.strip_prefix('+') {
            Some(duration) => self.now_ns + seconds_of(duration) * 1_000_000_000,
            None => nanos_of(time),
        };
        self.must(&json!({"kind": "time"}));
        while self.world.more_due() {
            self.must(&json!({"kind": "time"}));
        }
    }

    fn restart(&mut self) {
        let before = self.world.state_hash();
        self.world = World::restore(&self.world.snapshot()).expect("a snapshot");
        assert_eq!(self.world.state_hash(), before, "a restart changes nothing durable");
    }

    fn ask(&mut self, words: &[&str]) -> Answer {
        let (account, command) = match words[0] {
            "buy" | "sell" | "mleg" => self.submit(words),
            "again" => self.resend(words[1], None),
            "reuse" => self.resend(words[1], Some(words[2])),
            "cancel_all" => {
                let id = self.accounts[words[1]].clone();
                (id.clone(), json!({"kind": "cancel_all", "account_id": id}))
            }
            verb => self.change(verb, words),
        };
        let (outcome, body) = self.send(&command).expect("a command has a reply");
        let id = body.get("id").or(body.get("order_id")).and_then(Value::as_str);
        let name = option(words, "as").map_or_else(|| format!("#{}", self.count), str::to_owned);
        if let ("buy" | "sell" | "mleg", Some(order)) = (words[0], self.orders.get_mut(&name)) {
            order.id = id.map(str::to_owned);
        }
        Answer { outcome, body, account }
    }

    fn submit(&mut self, words: &[&str]) -> (String, Value) {
        self.count += 1;
        let name = option(words, "as").map_or_else(|| format!("#{}", self.count), str::to_owned);
        let account = self.accounts[words[1]].clone();
        let (stop, limit) = (option(words, "stop"), option(words, "limit"));
        let named = words.iter().find_map(|word| word.strip_prefix("type:"));
        let order_type = match (stop, limit) {
            _ if named.is_some() => named.unwrap_or(""),
            (None, None) => "market",
            (None, Some(_)) => "limit",
            (Some(_), None) => "stop",
            (Some(_), Some(_)) => "stop_limit",
        };
        let tif = words.iter().find(|word| TIMES_IN_FORCE.contains(word));
        let mut request = json!({
            "kind": "submit", "account_id": account, "client_order_id": name, "type": order_type,
            "qty": words[3], "time_in_force": tif.unwrap_or(&"day"),
        });
        merge(&mut request, &what_it_trades(words));
        for (key, price) in [("stop_price", stop), ("limit_price", limit)] {
            if let Some(price) = price {
                request[key] = json!(price);
            }
        }
        set_with(&mut request, words);
        let order = NamedOrder { request: request.clone(), account: account.clone(), id: None };
        self.orders.insert(name, order);
        (account, request)
    }

    fn resend(&self, name: &str, qty: Option<&str>) -> (String, Value) {
        let order = &self.orders[name];
        let mut request = order.request.clone();
        if let Some(qty) = qty {
            request["qty"] = json!(qty);
        }
        (order.account.clone(), request)
    }

    fn change(&self, verb: &str, words: &[&str]) -> (String, Value) {
        let order = &self.orders[words[1]];
        let account = match option(words, "by") {
            Some(name) => self.accounts[name].clone(),
            None => order.account.clone(),
        };
        let mut command = json!({"kind": verb, "account_id": account, "order_id": order.id});
        let changes = [
            ("qty", "qty"),
            ("limit", "limit_price"),
            ("stop", "stop_price"),
            ("tif", "time_in_force"),
        ];
        for (word, key) in changes {
            if let Some(value) = option(words, word) {
                command[key] = json!(value);
            }
        }
        set_with(&mut command, words);
        (account, command)
    }

    fn expect(&self, answer: &Answer, expectations: &[Vec<String>]) {
        let told = format!("answered {} {}", answer.outcome, answer.body);
        if expectations.is_empty() {
            let fine = ["created", "existing", "ok"].contains(&answer.outcome.as_str());
            assert!(fine, "it must succeed, but was {told}");
        }
        for expected in expectations {
            let words: Vec<&str> = expected.iter().map(String::as_str).collect();
            match words[0] {
                "refused" => {
                    let reason = answer.body["reason"].as_str();
                    assert_eq!(reason, Some(words[1]), "{told}");
                }
                "existing" => assert_eq!(answer.outcome, "existing", "{told}"),
                "canceled_orders" => {
                    let items = answer.body["items"].as_array().map_or(0, Vec::len);
                    assert_eq!(items.to_string(), words[1], "{told}");
                }
                _ => {
                    let id = answer.body.get("id").or(answer.body.get("order_id"));
                    let id =
                        id.and_then(Value::as_str).unwrap_or_else(|| panic!("no order: {told}"));
                    self.expect_order(&self.tables.orders[id], &words);
                }
            }
        }
        account_is_sound(&self.tables.accounts[&answer.account]);
    }

    /// `leg PARENT N as NAME`: names the Nth order of a group.
    fn name_leg(&mut self, words: &[&str]) {
        let parent = &self.orders[words[1]];
        let row = &self.tables.orders[parent.id.as_ref().expect("the order has an id")];
        let details: Value = serde_json::from_str(&row.details).expect("the parent has legs");
        let number: usize = words[2].parse().expect("a number");
        let id = details["legs"][number - 1].as_str().map(str::to_owned);
        assert!(id.is_some(), "no such leg: {row:?}");
        let (request, account) = (parent.request.clone(), parent.account.clone());
        self.orders.insert(words[4].to_owned(), NamedOrder { request, account, id });
    }

    fn expect_order(&self, order: &OrderRow, words: &[&str]) {
        let told = format!("the order is {order:?}");
        match words {
            ["filled", qty, price @ ..] => {
                assert_eq!(decimal(&order.filled_qty), decimal(qty), "{told}");
                if let ["@", price] = price {
                    let average = order.filled_avg_price.as_deref().unwrap_or("0");
                    assert_eq!(decimal(average), decimal(price), "{told}");
                }
            }
            ["rests", qty, price @ ..] => {
                let left = decimal(&order.qty) - decimal(&order.filled_qty);
                let open = ["new", "partially_filled"].contains(&order.status);
                assert!(open && left == decimal(qty), "{told}");
                if let ["@", price] = price {
                    let limit = order.limit_price.as_deref().unwrap_or("0");
                    assert_eq!(decimal(limit), decimal(price), "{told}");
                }
            }
            ["field", path, wanted] => {
                assert!(is_same(member(&order_object(order), path), wanted), "{words:?}: {told}");
            }
            ["status", status] => assert_eq!(order.status, *status, "{told}"),
            ["canceled"] => assert_eq!(order.status, "canceled", "{told}"),
            [status @ ("canceled" | "rejected"), reason] => {
                assert_eq!((order.status, order.reason), (*status, Some(*reason)), "{told}");
            }
            ["held", _, amount] => {
                let account = &self.tables.accounts[&order.account_id];
                assert_eq!(decimal(&account.held), decimal(amount), "{told}");
            }
            words => panic!("unknown expectation {words:?}"),
        }
    }

    fn account(&self, name: &str) -> &AccountRow {
        &self.tables.accounts[&self.accounts[name]]
    }

    fn check(&mut self, words: &[&str], statement: &Statement) {
        match words {
            ["cash", name, _, amount] => same(&self.account(name).cash, amount),
            ["held", name, _, amount] => same(&self.account(name).held, amount),
            ["buying_power", name, _, amount] => same(&self.account(name).buying_power, amount),
            ["realized", name, _, amount] => same(&self.account(name).realized_pl, amount),
            ["equity", name, _, amount] => {
                let id = self.accounts[*name].clone();
                let (_, body) = self.send(&json!({"kind": "value", "account_id": id})).expect("it");
                same(body["account"]["equity"].as_str().unwrap_or(""), amount);
            }
            ["position", name, symbol, qty, price @ ..] => {
                self.check_position(&self.accounts[*name], symbol, qty, price);
            }
            ["order", name] => {
                let id = self.orders[*name].id.clone().expect("the order has an id");
                for expected in &statement.expectations {
                    let words: Vec<&str> = expected.iter().map(String::as_str).collect();
                    self.expect_order(&self.tables.orders[&id], &words);
                }
            }
            ["account" | "position" | "fill", ..] => self.check_fields(words, statement),
            ["book", symbol, rest @ ..] => self.check_book(symbol, rest),
            ["ledger", "sums", "to", "zero"] => self.tables.ledger_is_zero(),
            words => panic!("unknown check {words:?}"),
        }
    }

    /// Further members of an account, a position or a fill, by their dotted paths.
    fn check_fields(&mut self, words: &[&str], statement: &Statement) {
        let found = match words {
            ["fill", name, number] => {
                let id = self.orders[*name].id.clone().expect("the order has an id");
                let mut fills: Vec<&FillRow> =
                    self.tables.fills.values().filter(|fill| fill.order_id == id).collect();
                fills.sort_by_key(|fill| (fill.seq, fill.i));
                fill_object(fills[number.parse::<usize>().expect("a number") - 1])
            }
            [_, name, symbol @ ..] => {
                let id = self.accounts[*name].clone();
                let (_, body) = self.send(&json!({"kind": "value", "account_id": id})).expect("it");
                match symbol {
                    [] => body["account"].clone(),
                    symbol => {
                        let held = body["positions"].as_array().expect("a list").iter();
                        held.clone()
                            .find(|it| it["symbol"] == symbol[0])
                            .cloned()
                            .expect("a position")
                    }
                }
            }
            words => panic!("unknown check {words:?}"),
        };
        for expected in &statement.expectations {
            let [word, path, wanted] = &expected[..] else { panic!("`field PATH VALUE`") };
            assert_eq!(word, "field");
            assert!(is_same(member(&found, path), wanted), "{path} {wanted}: {found}");
        }
    }

    fn check_position(&self, account: &str, symbol: &str, qty: &str, price: &[&str]) {
        let key = (account.to_owned(), symbol.to_owned());
        let position: Option<&PositionRow> = self.tables.positions.get(&key);
        same(position.map_or("0", |position| position.qty.as_str()), qty);
        if let (["@", price], Some(position)) = (price, position) {
            same(&position.avg_entry_price, price);
        }
    }

    fn check_book(&self, symbol: &str, words: &[&str]) {
        let book = self.world.book_json(symbol, 100).expect("a known symbol");
        let book: Value = serde_json::from_str(&book).expect("JSON");
        let (bids, asks) = levels(words);
        for (side, wanted) in [("bids", bids), ("asks", asks)] {
            let text = |value: &Value| decimal(value.as_str().unwrap_or("0"));
            let stands: Vec<(i64, i64)> = book[side].as_array().map_or(Vec::new(), |levels| {
                levels.iter().map(|level| (text(&level[0]), text(&level[1]))).collect()
            });
            let wanted: Vec<(i64, i64)> =
                wanted.iter().map(|(price, qty)| (decimal(price), decimal(qty))).collect();
            assert_eq!(stands, wanted, "{side} of {symbol}: {book}");
        }
    }
}

/// The word that follows `key`.
fn option<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    let index = words.iter().position(|word| *word == key)?;
    words.get(index + 1).copied()
}

/// Symbol and side of an order, or the legs `SIDE:RATIO:SYMBOL[:INTENT],...` of a multi-leg order.
fn what_it_trades(words: &[&str]) -> Value {
    if words[0] != "mleg" {
        return json!({"symbol": words[2], "side": words[0]});
    }
    let leg = |leg: &str| {
        let parts: Vec<&str> = leg.split(':').collect();
        let mut leg = json!({"side": parts[0], "ratio_qty": parts[1], "symbol": parts[2]});
        if let Some(intent) = parts.get(3) {
            leg["position_intent"] = json!(intent);
        }
        leg
    };
    let legs: Vec<Value> = words[2].split(',').map(leg).collect();
    json!({"order_class": "mleg", "legs": legs})
}

/// Sets the fields behind `with`, if there are any.
fn set_with(command: &mut Value, words: &[&str]) {
    if let Some(word) = option(words, "with") {
        merge(command, &members(word));
    }
}

fn object_of(text: &str) -> Value {
    serde_json::from_str(if text.is_empty() { "{}" } else { text }).expect("a JSON object")
}

/// An order as the wire tells it, as far as tables look at it.
fn order_object(row: &OrderRow) -> Value {
    let mut object = json!({
        "status": row.status, "reason": row.reason, "type": row.order_type, "qty": row.qty,
        "time_in_force": row.time_in_force, "filled_qty": row.filled_qty, "symbol": row.symbol,
        "filled_avg_price": row.filled_avg_price, "limit_price": row.limit_price,
        "stop_price": row.stop_price,
    });
    merge(&mut object, &object_of(&row.details));
    object
}

fn fill_object(row: &FillRow) -> Value {
    json!({
        "price": row.price, "qty": row.qty, "notional": row.notional, "fee": row.fee,
        "liquidity": row.liquidity, "counterparty": row.counterparty,
        "realized_pl": row.realized_pl, "receipt": object_of(&row.receipt),
    })
}

const TIMES_IN_FORCE: [&str; 7] = ["day", "gtc", "ioc", "fok", "gtd", "opg", "cls"];

type Levels = Vec<(String, String)>;

/// Levels of `bid P x Q ... ask P x Q ...`.
fn levels(words: &[&str]) -> (Levels, Levels) {
    let (mut bids, mut asks) = (Vec::new(), Vec::new());
    for level in words.chunks(4) {
        let [side, price, "x", qty] = level else { panic!("a level is `bid P x Q`: {level:?}") };
        let side = if *side == "bid" { &mut bids } else { &mut asks };
        side.push(((*price).to_owned(), (*qty).to_owned()));
    }
    (bids, asks)
}

fn decimal(text: &str) -> i64 {
    parse_decimal(text, 9).unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

fn same(stands: &str, wanted: &str) {
    assert_eq!(
        format_decimal(i128::from(decimal(stands)), 9, 2),
        format_decimal(i128::from(decimal(wanted)), 9, 2)
    );
}

/// A cash account never shows a negative balance.
fn account_is_sound(account: &AccountRow) {
    if account.kind != "cash" {
        return;
    }
    for amount in [&account.cash, &account.held, &account.buying_power] {
        let may_owe = account.kind != "cash";
        assert!(may_owe || !amount.starts_with('-'), "below zero: {account:?}");
    }
}
