//! Random commands about money: sensible ones and nonsense.

use papertape_core::Input;
use papertape_core::money::InstrumentMargin;
use papertape_core::money::command::{Bust, MoneyCommand, Trade};
use papertape_core::words::{LedgerKind, Side};
use proptest::option::of;
use proptest::prelude::*;

fn currency() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just("USD"), 3 => Just("EUR"), 1 => Just("GBP"), 1 => Just("euro")]
        .prop_map(str::to_owned)
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        20 => 1..2_000_000_000_i64,
        2 => 1..20_i64,
        1 => prop_oneof![Just(0), Just(-5), Just(i64::MAX), Just(i64::MIN)],
    ]
}

fn id() -> impl Strategy<Value = String> {
    (0..400_u32).prop_map(|number| format!("money-{number}"))
}

fn pay(accounts: u32) -> impl Strategy<Value = MoneyCommand> {
    let way = prop_oneof![
        Just((false, LedgerKind::Deposit)),
        Just((true, LedgerKind::Withdrawal)),
        Just((false, LedgerKind::Transfer)),
        Just((true, LedgerKind::Transfer)),
    ];
    (0..=accounts, of(currency()), amount(), way, id()).prop_map(
        |(account, currency, amount, (is_out, kind), request_id)| MoneyCommand::Pay {
            account,
            currency,
            amount,
            is_out,
            kind,
            transfer: if kind == LedgerKind::Transfer { request_id.clone() } else { String::new() },
            request_id,
        },
    )
}

fn trade(accounts: u32) -> impl Strategy<Value = Trade> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let lots = prop_oneof![19 => 1..60_i64, 1 => Just(i64::MAX)];
    (0..=accounts, 0..4_u32, side, lots, 92..108_i64, amount(), id()).prop_map(
        |(account, instrument, side, lots, ticks, fee, request_id)| {
            let (tick, lot) =
                [(10_000, 1_000_000), (5, 10), (10_000, 1_000_000), (1_000_000, 10_000)]
                    [instrument as usize];
            let (price, qty) = (ticks * tick, lots.saturating_mul(lot));
            let fee = if fee % 3 == 0 { fee } else { 0 };
            Trade { account, instrument, side, qty, price, fee, request_id }
        },
    )
}

fn bust(accounts: u32) -> impl Strategy<Value = Bust> {
    (1..60_u64, trade(accounts), amount(), -9_000_000..9_000_000_i64).prop_map(
        |(fill, trade, notional, realized_pl)| Bust {
            fill,
            account: trade.account,
            instrument: trade.instrument,
            side: trade.side,
            qty: trade.qty,
            notional,
            fee: 0,
            realized_pl: if realized_pl > 0 { realized_pl } else { 0 },
            request_id: trade.request_id,
        },
    )
}

fn set() -> impl Strategy<Value = MoneyCommand> {
    let rate = prop_oneof![8 => 1..3_000_000_000_i64, 1 => Just(0), 1 => Just(i64::MAX)];
    let margin =
        (of(0..1_000_000_000_i64), of(0..90_000_000_i64), any::<bool>(), 0..1_000_000_000_i64)
            .prop_map(|(rate, borrow_qty, unshortable, borrow_rate)| InstrumentMargin {
                initial_rate: rate,
                maintenance_rate: rate.map(|rate| rate / 2),
                shortable: !unshortable || borrow_rate % 4 != 0,
                borrow_qty,
                borrow_rate,
            });
    prop_oneof![
        (currency(), currency(), rate).prop_map(|(from, to, rate)| MoneyCommand::SetRate {
            from,
            to,
            rate
        }),
        (0..5_u32, margin)
            .prop_map(|(instrument, margin)| MoneyCommand::SetMargin { instrument, margin }),
        (0..3_u32, 0..3_u32)
            .prop_map(|(exchange, days)| MoneyCommand::SetSettlement { exchange, days }),
    ]
}

/// A command about money of one of so many accounts.
pub fn money(accounts: u32) -> impl Strategy<Value = Input> {
    let convert = (0..=accounts, currency(), currency(), amount(), id()).prop_map(
        |(account, from, to, amount, request_id)| MoneyCommand::Convert {
            account,
            from,
            to,
            amount,
            request_id,
        },
    );
    let reset = (0..=accounts, amount(), id()).prop_map(|(account, starting_cash, request_id)| {
        MoneyCommand::Reset { account, starting_cash, request_id }
    });
    let correct = (bust(accounts), trade(accounts)).prop_map(|(bust, trade)| {
        let right = Trade { account: bust.account, instrument: bust.instrument, ..trade };
        MoneyCommand::Correct(bust, right)
    });
    let command = prop_oneof![
        8 => pay(accounts),
        3 => convert,
        1 => reset,
        3 => trade(accounts).prop_map(MoneyCommand::Record),
        2 => bust(accounts).prop_map(MoneyCommand::Bust),
        1 => correct,
        5 => set(),
    ];
    command.prop_map(|command| Input::Money(Box::new(command)))
}
