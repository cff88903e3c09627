//! The members that a command may have. One that nobody knows is refused: a misspelt one would
//! take a limit, a stop or a condition away without a word.
//!
//! Only what comes in is held against this. A tape or a snapshot of the past may say what nobody
//! says any more.

use crate::json::Value;
use crate::more_terms::MoreTerms;
use crate::reply::Refusal;
use crate::wire::malformed;

/// Members of every command: what it is, and the id under which it is done once.
const EVERYWHERE: &[&str] = &["kind", "request_id"];

/// Members by kind of command.
const BY_KIND: &[(&str, &[&str])] = &[
    ("submit", ORDER),
    ("submit_all", &["account_id", "orders"]),
    ("preview", ORDER),
    ("replace", &["account_id", "order_id", "qty", "limit_price", "stop_price", "time_in_force"]),
    ("cancel", &["account_id", "order_id"]),
    ("cancel_list", &["account_id", "orders"]),
    ("cancel_all", &["account_id"]),
    ("value", &["account_id"]),
    ("book", &["symbol", "depth"]),
    ("instruments", &[]),
    ("exchanges", &[]),
    ("presets", &[]),
    ("time", &[]),
    ("checkpoint", &[]),
    ("quote", &["symbol", "bid", "bid_size", "ask", "ask_size"]),
    ("depth", &["symbol", "bids", "asks"]),
    ("trade", &["symbol", "price", "qty", "side"]),
    ("bar", &["symbol", "open", "high", "low", "close", "volume"]),
    ("agent_order", &["symbol", "agent", "id", "side", "price", "qty"]),
    ("agent_cancel", &["symbol", "agent", "id"]),
    ("create_world", &["world", "seed", "sharing"]),
    (
        "list_exchange",
        &[
            "exchange",
            "name",
            "currency",
            "calendar",
            "fees",
            "profile",
            "mic",
            "band",
            "halt_auction",
        ],
    ),
    (
        "list_instrument",
        &[
            "symbol",
            "name",
            "asset_class",
            "exchange",
            "sector",
            "industry",
            "currency",
            "tick_size",
            "lot_size",
            "price_scale",
            "qty_scale",
            "source",
            "trigger",
            "contract",
            "tick_table",
            "band",
        ],
    ),
    (
        "open_account",
        &[
            "account_id",
            "owner",
            "account_kind",
            "currency",
            "starting_cash",
            "multiplier",
            "maintenance_rate",
            "short_maintenance_rate",
            "interest_rate",
            "cost_method",
        ],
    ),
    ("session", &["exchange", "state", "auction", "next_ns", "next_open_ns"]),
    ("halt", &["symbol", "exchange", "reason"]),
    ("resume", &["symbol", "exchange", "auction"]),
    (
        "corporate_action",
        &[
            "symbol",
            "action_id",
            "action",
            "ex_ns",
            "pay_ns",
            "amount",
            "new",
            "old",
            "new_symbol",
            "name",
            "price",
        ],
    ),
    ("call_off_corporate_action", &["action_id"]),
    ("set_profile", &["symbol", "exchange", "profile", "if_version"]),
    ("set_fees", &["symbol", "exchange", "fees", "if_version"]),
    ("rules", &["symbol", "exchange"]),
    ("exercise", &["account_id", "symbol", "qty"]),
    ("do_not_exercise", &["account_id", "symbol", "revoke"]),
    ("settle", &["symbol", "price", "at_expiry"]),
    ("funding", &["symbol", "rate"]),
    ("set_rate", &["from", "to", "rate"]),
    (
        "set_margin",
        &["symbol", "initial_rate", "maintenance_rate", "shortable", "borrow_qty", "borrow_rate"],
    ),
    ("set_settlement", &["exchange", "days"]),
    ("deposit", &["account_id", "currency", "amount"]),
    ("withdraw", &["account_id", "currency", "amount"]),
    ("transfer_in", TRANSFER),
    ("transfer_out", TRANSFER),
    ("convert", &["account_id", "from", "to", "amount"]),
    ("reset", &["account_id", "starting_cash"]),
    ("record_trade", &["account_id", "symbol", "side", "qty", "price", "fee"]),
    ("bust_trade", FILL),
    ("correct_trade", CORRECTED),
    ("set_policy", &["policy", "if_version"]),
    ("policy", &[]),
    ("kill_switch", &["scope", "account_id", "owner", "on", "flatten", "reason", "set_by"]),
    ("set_status", &["account_id", "status", "reason"]),
    ("resume_account", &["account_id"]),
    ("risk", &["account_id"]),
    ("usage", &["account_id"]),
];

const ORDER: &[&str] = &[
    "account_id",
    "client_order_id",
    "symbol",
    "side",
    "type",
    "qty",
    "limit_price",
    "stop_price",
    "time_in_force",
];
const TRANSFER: &[&str] = &["account_id", "currency", "amount", "transfer_id"];
const FILL: &[&str] =
    &["account_id", "fill_id", "symbol", "side", "qty", "notional", "fee", "realized_pl"];
const CORRECTED: &[&str] = &[
    "account_id",
    "fill_id",
    "symbol",
    "side",
    "qty",
    "notional",
    "fee",
    "realized_pl",
    "new_symbol",
    "new_side",
    "new_qty",
    "new_price",
    "new_fee",
];

/// Terms of an order that only the engine sets.
const OF_THE_ENGINE: &[&str] = &["parent", "sibling", "held", "water_mark", "forced", "recorded"];

/// Members of the objects within an order.
const PARTS: &[(&str, &[&str])] = &[
    ("take_profit", &["limit_price"]),
    ("stop_loss", &["stop_price", "limit_price", "trail_price", "trail_percent"]),
    ("legs", &["symbol", "side", "ratio_qty", "position_intent"]),
];

/// Refuses a command with a member that nobody knows; a kind that nobody knows is not looked at.
pub(crate) fn check(kind: &str, command: &Value<'_>) -> Result<(), Refusal> {
    let Some((kind, own)) = BY_KIND.iter().find(|(name, _)| *name == kind) else {
        return Ok(());
    };
    if !matches!(*kind, "submit" | "preview" | "replace") {
        return only(kind, command, &[own, EVERYWHERE]);
    }
    only(kind, command, &[own, &["expire_time"], MoreTerms::NAMES, EVERYWHERE])?;
    PARTS.iter().try_for_each(|(name, known)| match command.get(name) {
        Some(Value::List(parts)) => parts.iter().try_for_each(|part| only(name, part, &[known])),
        Some(part) => only(name, part, &[known]),
        None => Ok(()),
    })
}

/// Refuses a member that is in none of the lists; what is no object has none.
fn only(of: &str, object: &Value<'_>, known: &[&[&str]]) -> Result<(), Refusal> {
    let Some(name) = unknown(object, known) else {
        return Ok(());
    };
    let mut refusal = malformed(sentence(of, name, known));
    refusal.value = Some(shortened(name).into_boxed_str());
    Err(refusal)
}

/// The first member of an object that is in none of the lists, or that only the engine sets.
fn unknown<'a>(object: &'a Value<'_>, known: &[&[&str]]) -> Option<&'a str> {
    let Value::Object(members) = object else {
        return None;
    };
    let names = members.iter().map(|(name, _)| name.as_str());
    let is_known = |name: &str| known.iter().any(|names| names.contains(&name));
    names.into_iter().find(|name| !is_known(name) || OF_THE_ENGINE.contains(name))
}

fn sentence(of: &str, name: &str, known: &[&[&str]]) -> String {
    let known = known.iter().flat_map(|names| names.iter().copied());
    let known: Vec<&str> = known.filter(|name| !OF_THE_ENGINE.contains(name)).collect();
    format!("{of} has no member {:?}; it may have {}", shortened(name), known.join(", "))
}

/// So much of a wrong name is repeated.
fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Refuses settings with a member that nobody knows.
pub(crate) fn only_settings(of: &str, object: &Value<'_>, known: &[&str]) -> Result<(), String> {
    unknown(object, &[known]).map_or(Ok(()), |name| Err(sentence(of, name, &[known])))
}
