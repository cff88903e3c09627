//! Day trades: a position that is opened and closed on one day (FINRA Rule 4210(f)(8)(B)).
//!
//! Fills that close what was opened on the same day count once until something is opened again,
//! however many fills it takes. Only margin accounts are counted, as the rule has it.

use crate::event::Fill;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::live::Live;
use crate::sink::Sink;
use crate::units::Quantity;
use crate::words::Side;

use super::event::RiskEvent;

/// What a fill was, for the count of day trades.
#[derive(Clone, Copy)]
pub(crate) struct Traded {
    account: AccountIndex,
    instrument: InstrumentIndex,
    /// Above zero for buys.
    qty: Quantity,
}

impl Traded {
    pub fn of(fill: &Fill) -> Traded {
        let sign = if fill.side == Side::Buy { 1 } else { -1 };
        Traded { account: fill.account, instrument: fill.instrument, qty: fill.qty * sign }
    }
}

impl<S: Sink> Live<'_, S> {
    /// Counts a fill that has just happened, where the policy counts day trades.
    pub fn note_day_trade(&mut self, traded: Traded) {
        let Some(world) = self.durable.risk.as_deref() else {
            return;
        };
        let Some(rule) = world.policy.day_trading else {
            return;
        };
        let Some(account) = self.durable.account(traded.account).filter(|it| it.margin().is_some())
        else {
            return;
        };
        let (day, forget_before) = (world.day, (world.day + 1).saturating_sub(rule.days));
        let after = account.position(traded.instrument).qty;
        let before = after.saturating_sub(traded.qty);
        let own = account.risk.as_deref();
        let is_known =
            own.is_some_and(|own| own.day == day && own.opened.contains(&traded.instrument));
        let closes = before.signum() * traded.qty.signum() < 0;
        let opens = after.signum() == traded.qty.signum();
        let Traded { account, instrument, .. } = traded;
        let moved =
            |closed| RiskEvent::DayMoved { account, instrument, day, closed, forget_before };
        if closes && is_known {
            self.emit(moved(true).into());
        }
        if opens && (closes || !is_known) {
            self.emit(moved(false).into());
        }
    }
}
