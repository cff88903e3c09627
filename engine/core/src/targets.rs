//! Holdings as an array: what an account does that wants `target[i]` after bar `i`, with full
//! accounting and without a world.
//!
//! Between two orders a bar changes nothing but prices, so the bars are walked and not applied.
//! Orders and fills are those of a world that is fed the same bars one by one (the twin in
//! `tests/targets.rs`). What a walk cannot tell, such as an order that the account cannot pay, is
//! `NotPlain`, and the caller feeds a world instead.

use crate::account::Position;
use crate::costs::cost_of;
use crate::exchange::Fees;
use crate::instrument::Instrument;
use crate::units::{
    AMOUNT_MAX, Balance, MONEY_SCALE, Money, ORDER_VALUE_MAX, Price, QUANTITY_MAX, Quantity,
    Rounding, clamp, power_of_ten,
};
use crate::words::{Liquidity, Side};

/// When an order fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillsOn {
    /// At the open of the bar after its signal.
    NextOpen,
    /// At the close of the bar of its signal.
    Close,
}

/// The prices of bars and what is wanted after each of them.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// What is traded; no contract.
    pub instrument: &'a Instrument,
    /// What its exchange takes.
    pub fees: &'a Fees,
    /// When orders fill.
    pub fills_on: FillsOn,
    /// Opening prices.
    pub open: &'a [Price],
    /// Closing prices.
    pub close: &'a [Price],
    /// Volumes: what an order at the close can fill against.
    pub volume: &'a [Quantity],
    /// The quantity wanted after each bar; an order is sent when it changes.
    pub target: &'a [Quantity],
}

/// A fill of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetFill {
    /// The bar at which it happened.
    pub bar: usize,
    /// Buys or sells.
    pub side: Side,
    /// At this price.
    pub price: Price,
    /// This much.
    pub qty: Quantity,
    /// Value, half-even.
    pub notional: Money,
    /// What the exchange takes.
    pub fee: Money,
    /// Profit of what it closes.
    pub realized_pl: Money,
}

/// Takes what a walk comes to.
pub trait Walked {
    /// An order was sent after this bar.
    fn order(&mut self, bar: usize, side: Side, qty: Quantity);
    /// The last order filled.
    fn fill(&mut self, fill: &TargetFill);
    /// From bar `bar` on, one bar a price: the account has this cash and holds so much that a
    /// price is worth `worth(price)`.
    fn stretch(&mut self, bar: usize, prices: &[Price], cash: Balance, worth: Worth);
}

/// What a holding is worth at a price.
#[derive(Clone, Copy, Debug)]
pub enum Worth {
    /// So many money units for each unit of the price; exact.
    Times(i64),
    /// Of this quantity at the sum of both scales, rounded half-even.
    Rounded(Quantity, u8),
}

impl Worth {
    /// The worth at one price.
    #[inline]
    pub fn at(self, price: Price) -> Balance {
        match self {
            Worth::Times(times) => i128::from(price) * i128::from(times),
            Worth::Rounded(qty, scales) => {
                crate::units::value_of(price, qty, scales, Rounding::HalfEven)
            }
        }
    }
}

/// A walk met what only a world can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPlain;

/// Where a walk stands.
struct Account {
    cash: Balance,
    position: Position,
}

/// Walks all bars with so much cash.
pub fn walk(plan: &Plan<'_>, cash: Balance, walked: &mut impl Walked) -> Result<(), NotPlain> {
    let bars = plan.target.len();
    let is_whole = [plan.open, plan.close, plan.volume].iter().all(|it| it.len() == bars);
    let is_plain = plan.instrument.contract.is_none()
        && plan.instrument.rules.is_none()
        && plan.fees.rules.is_none();
    if !is_whole || !is_plain {
        return Err(NotPlain);
    }
    let mut account = Account { cash, position: Position::default() };
    let (mut bar, mut wanted) = (0, 0);
    while bar < bars {
        let change = next_change(plan.target, bar, wanted);
        stretch(plan, &account, bar..change, walked);
        let Some(target) = plan.target.get(change) else {
            break;
        };
        wanted = *target;
        let qty = wanted.checked_sub(account.position.qty).ok_or(NotPlain)?;
        let (side, qty) = if qty > 0 { (Side::Buy, qty) } else { (Side::Sell, -qty) };
        check(plan, &account, side, qty, change)?;
        walked.order(change, side, qty);
        if plan.fills_on == FillsOn::Close {
            fill(plan, &mut account, (side, qty), (change, plan.close[change]), walked)?;
            stretch(plan, &account, change..change + 1, walked);
        } else {
            stretch(plan, &account, change..change + 1, walked);
            if let Some(open) = plan.open.get(change + 1) {
                fill(plan, &mut account, (side, qty), (change + 1, *open), walked)?;
            }
        }
        bar = change + 1;
    }
    Ok(())
}

/// The first bar from `bar` on whose target is another one.
fn next_change(target: &[Quantity], bar: usize, wanted: Quantity) -> usize {
    let rest = target.get(bar..).unwrap_or_default();
    // Blocks without an early end are compared many at a time.
    let block = 64;
    let same = rest
        .chunks(block)
        .take_while(|block| block.iter().fold(0, |difference, it| difference | (it ^ wanted)) == 0);
    let skipped = (same.count() * block).min(rest.len());
    let next = rest[skipped..].iter().position(|it| *it != wanted);
    bar + next.map_or(rest.len(), |next| skipped + next)
}

fn stretch(
    plan: &Plan<'_>,
    account: &Account,
    bars: std::ops::Range<usize>,
    walked: &mut impl Walked,
) {
    let Some(prices) = plan.close.get(bars.clone()).filter(|prices| !prices.is_empty()) else {
        return;
    };
    let qty = account.position.qty;
    walked.stretch(bars.start, prices, account.cash, worth_of(plan.instrument, qty));
}

fn worth_of(instrument: &Instrument, qty: Quantity) -> Worth {
    let scales = instrument.scales();
    let shift = |digits: u8| power_of_ten(u32::from(digits));
    let times = if scales >= MONEY_SCALE {
        let unit = shift(scales - MONEY_SCALE);
        (i128::from(qty) % unit == 0).then(|| i128::from(qty) / unit)
    } else {
        Some(i128::from(qty) * shift(MONEY_SCALE - scales))
    };
    match times.map(i64::try_from) {
        Some(Ok(times)) => Worth::Times(times),
        _ => Worth::Rounded(qty, scales),
    }
}

/// Whether an order passes all checks of a world: whole lots, within bounds, covered by what the
/// account has at the close.
fn check(
    plan: &Plan<'_>,
    account: &Account,
    side: Side,
    qty: Quantity,
    bar: usize,
) -> Result<(), NotPlain> {
    let price = plan.close[bar];
    let value = plan.instrument.value(price, qty, Rounding::Up);
    let is_bounded = price > 0
        && value <= i128::from(ORDER_VALUE_MAX)
        && account.position.qty.saturating_add(qty) <= QUANTITY_MAX
        && qty % plan.instrument.lot_size == 0;
    let covered = match side {
        Side::Sell => qty <= account.position.qty,
        Side::Buy => {
            let fee = plan.fees.of_hold(plan.instrument, qty, clamp(value));
            value + i128::from(fee) <= account.cash
        }
    };
    let is_there = plan.fills_on == FillsOn::NextOpen || qty <= plan.volume[bar];
    if is_bounded && covered && is_there { Ok(()) } else { Err(NotPlain) }
}

fn fill(
    plan: &Plan<'_>,
    account: &mut Account,
    (side, qty): (Side, Quantity),
    (bar, price): (usize, Price),
    walked: &mut impl Walked,
) -> Result<(), NotPlain> {
    let value = plan.instrument.value(price, qty, Rounding::HalfEven);
    if price <= 0 || value > i128::from(ORDER_VALUE_MAX) {
        return Err(NotPlain);
    }
    let notional = clamp(value);
    let fee = plan.fees.plain(plan.instrument, (qty, notional), Liquidity::Taker);
    let (cost, realized_pl) = cost_of(account.position, side, qty, notional);
    let position = &mut account.position;
    let fee = match side {
        Side::Buy => {
            let spent = i128::from(notional) + i128::from(fee);
            let room = i128::from(AMOUNT_MAX) - i128::from(position.cost);
            if spent > account.cash || spent > room {
                return Err(NotPlain);
            }
            account.cash -= spent;
            position.qty += qty;
            position.cost += cost;
            fee
        }
        Side::Sell => {
            let fee = fee.min(notional);
            account.cash += i128::from(notional) - i128::from(fee);
            position.qty -= qty;
            position.cost -= cost;
            fee
        }
    };
    walked.fill(&TargetFill { bar, side, price, qty, notional, fee, realized_pl });
    Ok(())
}
