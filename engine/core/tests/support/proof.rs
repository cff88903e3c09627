//! What must hold in every world: tables as SQL would keep them, and the checks over them.
// Each test program uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;

use papertape_core::account::Account;
use papertape_core::money::Wallet;
use papertape_core::rows::{
    AccountRow, AlertRow, CheckRow, EquityRow, FillRow, LedgerRow, OrderRow, PositionRow,
};
use papertape_core::words::{CostMethod, Reason, Side};
use papertape_core::{Rows, TapeSink, TapeTurn, World};

/// Why a new order is not taken. With `CANCELS` these are all reasons; some are both.
pub const REJECTS: &[Reason] = &[
    Reason::Expired,
    Reason::AccountNotActive,
    Reason::InstrumentNotActive,
    Reason::MarketClosed,
    Reason::Halted,
    Reason::NoAuction,
    Reason::AuctionOver,
    Reason::InvalidLot,
    Reason::InvalidTick,
    Reason::OutsidePriceBand,
    Reason::OrderTooLarge,
    Reason::NoReferencePrice,
    Reason::NotionalTooSmall,
    Reason::WouldTakeLiquidity,
    Reason::PositionIntentMismatch,
    Reason::WouldNotReduce,
    Reason::WouldNotFill,
    Reason::UnknownLot,
    Reason::InsufficientQuantity,
    Reason::NotShortable,
    Reason::BorrowUnavailable,
    Reason::InsufficientBuyingPower,
    Reason::KillSwitch,
    Reason::DailyLossStop,
    Reason::DrawdownStop,
    Reason::Restricted,
    Reason::ShortNotPermitted,
    Reason::OrderSizeLimit,
    Reason::OrderRateLimit,
    Reason::OpenOrdersLimit,
    Reason::PriceCollar,
    Reason::PositionLimit,
    Reason::CapitalShareLimit,
    Reason::ConcentrationLimit,
    Reason::LeverageLimit,
    Reason::WashTrade,
    Reason::DayTradeLimit,
];

/// Why an open order leaves before it is filled.
pub const CANCELS: &[Reason] = &[
    Reason::Requested,
    Reason::IocRemainder,
    Reason::NoLiquidity,
    Reason::Expired,
    Reason::MarketClosed,
    Reason::AuctionOver,
    Reason::WouldNotFill,
    Reason::WouldTakeLiquidity,
    Reason::WouldNotReduce,
    Reason::NotionalTooSmall,
    Reason::InsufficientBuyingPower,
    Reason::BorrowUnavailable,
    Reason::NotShortable,
    Reason::SelfTrade,
    Reason::ParentClosed,
    Reason::SiblingFilled,
    Reason::SiblingClosed,
    Reason::CorporateAction,
    Reason::Delisted,
    Reason::KillSwitch,
    Reason::DailyLossStop,
    Reason::DrawdownStop,
    Reason::Liquidation,
];

/// An order that was not taken, or that left, says so for one of the reasons of its list.
fn reason_is_known(row: &OrderRow) {
    let Some(reason) = row.reason.and_then(Reason::from_word) else {
        return;
    };
    let reasons = match row.status {
        "rejected" => REJECTS,
        "canceled" | "expired" => CANCELS,
        // A replace that was refused may say why; the order goes on.
        _ => return,
    };
    assert!(reasons.contains(&reason), "{row:?}");
}

/// The read models, keyed as the database keys them.
#[derive(Debug, Default, PartialEq)]
pub struct Tables {
    pub accounts: BTreeMap<String, AccountRow>,
    pub positions: BTreeMap<(String, String), PositionRow>,
    pub orders: BTreeMap<String, OrderRow>,
    pub fills: BTreeMap<String, FillRow>,
    pub ledger: BTreeMap<(u64, u32, u32), LedgerRow>,
    pub equity: BTreeMap<(String, i64), EquityRow>,
    pub alerts: BTreeMap<(u64, u64), AlertRow>,
    pub checks: BTreeMap<(u64, u32), CheckRow>,
    sums: BTreeMap<String, i128>,
}

impl Tables {
    /// Takes the rows of a batch as the projection writer would.
    pub fn upsert(&mut self, rows: Rows) {
        for row in rows.accounts {
            self.accounts.insert(row.account_id.clone(), row);
        }
        for row in rows.positions {
            self.positions.insert((row.account_id.clone(), row.symbol.clone()), row);
        }
        for row in rows.orders {
            reason_is_known(&row);
            self.orders.insert(row.order_id.clone(), row);
        }
        for row in rows.fills {
            assert!(self.fills.insert(row.fill_id.clone(), row).is_none(), "a fill stands twice");
        }
        for row in rows.equity {
            self.equity.insert((row.account_id.clone(), row.minute_ns), row);
        }
        for row in rows.ledger {
            *self.sums.entry(row.asset.clone()).or_default() += wide(&row.amount);
            let key = (row.seq, row.i, row.line);
            assert!(self.ledger.insert(key, row).is_none(), "a ledger line stands twice");
        }
        for row in rows.alerts {
            let key = (row.seq, row.i);
            assert!(self.alerts.insert(key, row).is_none(), "an alert stands twice");
        }
        for row in rows.checks {
            let key = (row.seq, row.i);
            assert!(self.checks.insert(key, row).is_none(), "a check stands twice");
        }
    }

    /// The ledger sums to zero for every currency and instrument.
    pub fn ledger_is_zero(&self) {
        for (asset, sum) in &self.sums {
            assert_eq!(*sum, 0, "the ledger of {asset} does not sum to zero");
        }
    }
}

/// A decimal at twelve digits, however large.
fn wide(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{fraction:0<12}").parse::<i128>().expect("a decimal")
}

/// Everything that must hold for the durable state after every turn.
pub fn durable_is_sound(world: &World) {
    let durable = world.durable();
    for (index, account) in durable.accounts.iter().enumerate() {
        let is_margin = account.margin().is_some();
        // A journal takes what was traded elsewhere, whatever it has.
        let may_lack = is_margin || account.is_journal();
        assert!(account.cash >= 0 || may_lack, "cash below zero: {account:?}");
        assert!(account.held >= 0, "holds: {account:?}");
        for currency in 0..durable.currencies.len() as u32 {
            let (wallet, free) = (account.wallet(currency), account.free_in(currency));
            assert!(may_lack || (wallet.cash >= 0 && free >= 0), "below zero: {account:?}");
            assert!(wallet.held >= 0 && account.unsettled(currency) >= 0, "{account:?}");
        }
        lots_are_the_position(world, account);
        equity_is_what_stands(world, account);
        let orders: Vec<_> = durable.open_orders(index as u32).collect();
        assert!(orders.iter().all(|order| order.is_open()), "{orders:?}");
        assert_eq!(orders.len(), account.open_orders.len());
        let held: i128 = orders.iter().map(|order| i128::from(order.hold)).sum();
        let holds: i128 =
            (0..durable.currencies.len() as u32).map(|it| account.wallet(it).held).sum();
        assert_eq!(holds, held, "holds must be the sum over open orders");
        assert!(account.deposited >= 0, "deposits: {account:?}");
        for (instrument, position) in &account.positions {
            let promised: i64 = orders
                .iter()
                .filter(|order| order.terms.instrument == *instrument)
                .filter(|order| order.terms.side == Side::Sell)
                .map(|order| order.promised())
                .sum();
            assert_eq!(position.promised, promised, "promises must be the sum over open sells");
            assert!(position.promised >= 0, "{position:?}");
            // A writer of options promises what he does not hold: cash or the underlying stands for it.
            let is_written = durable.instruments[*instrument as usize].terms.is_option();
            let may_owe = may_lack || is_written;
            assert!(may_owe || position.qty >= position.promised, "{position:?}");
            let covering: i64 = orders
                .iter()
                .filter(|order| order.terms.instrument == *instrument && is_margin)
                .filter(|order| order.terms.side == Side::Buy)
                .map(|order| order.promised())
                .sum();
            assert_eq!(position.covering, covering, "promised buys of a margin account");
            let signs = (position.qty.signum(), position.cost.signum());
            assert!(
                signs.1 == 0 || signs.0 == signs.1,
                "cost of a short is below zero: {position:?}"
            );
            assert!(position.qty != 0 || position.cost == 0, "a flat position costs nothing");
        }
    }
    for order in durable.orders.iter() {
        assert!((0..=order.terms.qty).contains(&order.filled), "filled too much: {order:?}");
        assert!(order.is_open() || order.hold == 0, "a closed order holds cash: {order:?}");
    }
    balances_are_zero(world);
}

/// The lots of an account that keeps them sum to its positions.
fn lots_are_the_position(world: &World, account: &Account) {
    if account.terms.cost_method == CostMethod::Average {
        return;
    }
    let contract =
        |index: u32| world.durable().instruments[index as usize].terms.contract.is_some();
    for (instrument, position) in account.positions.iter().filter(|it| !contract(*it.0)) {
        let lots = account.lots(*instrument);
        let sum: (i64, i64) =
            lots.iter().fold((0, 0), |sum, lot| (sum.0 + lot.qty, sum.1 + lot.cost));
        assert_eq!(sum, (position.qty, position.cost), "{lots:?}");
        assert!(lots.iter().all(|lot| lot.qty != 0), "{lots:?}");
    }
}

/// Equity is cash plus long less short positions, and also what was put in plus all profit.
fn equity_is_what_stands(world: &World, account: &Account) {
    let worth = world.durable().worth(account);
    let wallets = account.more.iter().flat_map(|more| &more.wallets);
    let abroad = |(currency, wallet): (&u32, &Wallet)| {
        let rates = &world.durable().money;
        rates.convert(wallet.cash, *currency, account.currency).unwrap_or(0)
    };
    let cash = account.cash + account.receivable + wallets.map(abroad).sum::<i128>();
    assert_eq!(worth.equity, cash + worth.long_value + worth.short_value + worth.open_pl);
    assert!(worth.long_value >= 0 && worth.short_value <= 0, "{worth:?}");
    let durable = world.durable();
    if account.more.iter().any(|more| !more.wallets.is_empty()) {
        return;
    }
    let margined = |index: u32| durable.instruments[index as usize].terms.is_margined();
    let held = account.positions.iter().filter(|(index, _)| !margined(**index));
    let cost: i128 = held.map(|(_, position)| i128::from(position.cost)).sum();
    assert_eq!(worth.equity - worth.unrealized_pl, cash + cost, "{account:?}");
    let realized: i128 = account.positions.values().map(|position| position.realized_pl).sum();
    assert_eq!(account.realized_pl, realized, "profit is the sum over positions");
}

/// The balances of all parties sum to zero, per currency and per instrument.
fn balances_are_zero(world: &World) {
    let durable = world.durable();
    for (index, currency) in durable.currencies.iter().enumerate() {
        let cash = |account: &Account| account.wallet(index as u32).cash;
        let users: i128 = durable.accounts.iter().map(cash).sum();
        assert_eq!(users + currency.house + currency.fees + currency.funding, 0, "{currency:?}");
        assert_eq!(currency.clearing, 0, "{currency:?}");
    }
    for (index, record) in durable.instruments.iter().enumerate() {
        let positions = durable.accounts.iter().map(|it| it.position(index as u32).qty);
        let users: i128 = positions.map(i128::from).sum();
        assert_eq!(users + record.house, 0, "{record:?}");
        let owed = durable.accounts.iter().map(|it| it.position(index as u32).qty.min(0));
        assert_eq!(owed.sum::<i64>(), -record.shorted, "{record:?}");
        assert_eq!(record.clearing, 0, "{record:?}");
    }
}

/// The tape rebuilds the same state and the same tables.
pub fn tape_rebuilds(world: &World, turns: &[TapeTurn], tables: &Tables) {
    let mut rebuilt = World::new(world.name()).expect("a fine name");
    let mut sink = TapeSink::new();
    for turn in turns {
        rebuilt.evolve(turn, &mut sink).expect("a turn that fits");
    }
    let mut again = Tables::default();
    again.upsert(sink.take().rows);
    assert_eq!(rebuilt.durable(), world.durable());
    assert_eq!(rebuilt.snapshot(), world.snapshot());
    assert_eq!(&again, tables);
    let restored = World::restore(&world.snapshot()).expect("a snapshot");
    assert_eq!(restored.durable(), world.durable());
}
