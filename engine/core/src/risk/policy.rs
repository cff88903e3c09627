//! The risk policy of a world: one object, set whole and counted by version.
//!
//! A policy says what is limited, for whom and on what. It has one text form, which the command,
//! the answer, the tape and the snapshot share: decimals as text, accounts by id, instruments by
//! symbol, members without a value left out.

use crate::account::Account;
use crate::instrument::Instrument;
use crate::units::{DAY_NS, MONEY_SCALE, Nanos, RATE_SCALE, SECOND_NS};
use crate::words::{AssetClass, Measure, RiskAction, SetBy};

/// The most rules of a policy.
pub const RULES_MAX: usize = 1_024;
/// The most orders that a rate can count.
pub const RATE_MAX: i64 = 10_000;
/// The largest limit of any rule, in its own scale.
pub const LIMIT_MAX: i64 = 1_000_000_000_000_000_000;

/// Whose figures a rule adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Every account, each by itself.
    EachAccount,
    /// This account.
    Account(u128),
    /// Every user: all accounts of one owner together.
    EachUser,
    /// This user: all accounts of this owner together.
    User(String),
}

impl Who {
    /// Whether an order of this account is judged by the rule.
    pub fn includes(&self, account: &Account) -> bool {
        match self {
            Who::EachAccount | Who::EachUser => true,
            Who::Account(id) => account.id == *id,
            Who::User(owner) => account.owner == *owner,
        }
    }

    /// Whether all accounts of the owner count together.
    pub const fn is_user(&self) -> bool {
        matches!(self, Who::EachUser | Who::User(_))
    }
}

/// Which instruments a rule covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// All of them together.
    All,
    /// Each instrument by itself.
    EachInstrument,
    /// This instrument.
    Instrument(String),
    /// Each asset class by itself.
    EachClass,
    /// This asset class.
    Class(AssetClass),
    /// Each sector by itself.
    EachSector,
    /// This sector.
    Sector(String),
}

impl What {
    /// Whether an order in `ordered` is judged by the rule.
    pub fn includes(&self, ordered: &Instrument) -> bool {
        match self {
            What::Instrument(symbol) => ordered.symbol == *symbol,
            What::Class(class) => ordered.asset_class == *class,
            What::Sector(sector) => ordered.sector == *sector,
            What::EachSector => !ordered.sector.is_empty(),
            _ => true,
        }
    }

    /// Whether `other` counts together with `ordered`, which the rule includes.
    pub fn covers(&self, ordered: &Instrument, other: &Instrument) -> bool {
        match self {
            What::All => true,
            What::EachInstrument | What::Instrument(_) => other.symbol == ordered.symbol,
            What::EachClass | What::Class(_) => other.asset_class == ordered.asset_class,
            What::EachSector | What::Sector(_) => other.sector == ordered.sector,
        }
    }

    /// Whether the rule is about single instruments.
    pub const fn is_instrument(&self) -> bool {
        matches!(self, What::EachInstrument | What::Instrument(_))
    }
}

/// One rule: a measure, its hard limit, and the share of it that raises an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is measured.
    pub measure: Measure,
    /// For whom.
    pub who: Who,
    /// On what.
    pub what: What,
    /// The hard limit in the scale of the measure; 0 for rules that forbid.
    pub limit: i64,
    /// The share of the limit, in 10^-9, from which on an alert is raised; 0 raises none.
    pub alert_at: i64,
    /// How long orders are counted for; 0 for all other measures.
    pub window_ns: Nanos,
    /// What happens at the hard limit.
    pub action: RiskAction,
    /// Who set it; it decides nothing here. Rules of older tapes do not tell.
    pub set_by: Option<SetBy>,
}

/// 1 as a rate.
pub const RATE_ONE: i128 = 1_000_000_000;

impl Measure {
    /// Decimal digits of its limit: quantities and money 6, shares 9, counts none.
    pub const fn scale(self) -> u8 {
        match self {
            Measure::OrderRate | Measure::OpenOrders | Measure::Restricted | Measure::NoShort => 0,
            Measure::OrderQty
            | Measure::OrderValue
            | Measure::PositionQty
            | Measure::PositionValue
            | Measure::DailyLoss => MONEY_SCALE,
            _ => RATE_SCALE,
        }
    }

    /// Whether it forbids instead of limiting.
    pub const fn is_ban(self) -> bool {
        matches!(self, Measure::Restricted | Measure::NoShort)
    }

    /// Whether a stop for it ends when the next day begins.
    pub const fn ends_with_day(self) -> bool {
        matches!(self, Measure::DailyLoss | Measure::DailyLossShare)
    }

    /// Whether it is watched while prices move, instead of being checked before an order.
    pub const fn is_watched(self) -> bool {
        matches!(self, Measure::DailyLoss | Measure::DailyLossShare | Measure::Drawdown)
    }
}

/// The rule of day trades: an account below the least equity makes at most so many within so many
/// days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTrading {
    /// Accounts with at least this equity are free, in money units.
    pub minimum_equity: i64,
    /// How many day trades are allowed.
    pub day_trades: u32,
    /// Within so many trading days, the present one included.
    pub days: u32,
}

/// When margin accounts are called and liquidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginRule {
    /// A call below this multiple of the maintenance requirement, in 10^-9.
    pub call_at: i64,
    /// Liquidation at once below this multiple of it, in 10^-9.
    pub liquidate_at: i64,
    /// Liquidation also when a call was not met for so long; 0 waits for ever.
    pub grace_ns: Nanos,
}

/// The risk policy of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its rules, checked in this order.
    pub rules: Vec<Rule>,
    /// Whether an order that could trade with another of its own user's is rejected.
    pub wash_trade: bool,
    /// The rule of day trades.
    pub day_trading: Option<DayTrading>,
    /// When margin accounts are called and liquidated.
    pub margin: Option<MarginRule>,
    /// When the day of losses and day trades begins, after 00:00 UTC.
    pub day_starts_ns: Nanos,
}

impl Policy {
    /// Whether anything is watched while prices move.
    pub fn watches(&self) -> bool {
        self.margin.is_some() || self.rules.iter().any(|rule| rule.measure.is_watched())
    }

    /// How many of an account's latest orders its rate rules need the times of.
    pub fn keeps(&self) -> u32 {
        let rates = self.rules.iter().filter(|rule| rule.measure == Measure::OrderRate);
        rates.map(|rule| rule.limit as u32).max().unwrap_or(0)
    }

    /// Whether days matter: losses of a day are watched, or day trades are counted.
    pub fn has_days(&self) -> bool {
        self.day_trading.is_some() || self.watches()
    }

    /// The first begin of a day after a time.
    pub const fn next_day(&self, time_ns: Nanos) -> Nanos {
        let shifted = time_ns - self.day_starts_ns;
        (shifted.div_euclid(DAY_NS) + 1) * DAY_NS + self.day_starts_ns
    }

    /// The number of the trading day that a time lies in: days from Monday to Friday are counted,
    /// a weekend belongs to its Friday.
    pub const fn trading_day(&self, time_ns: Nanos) -> u32 {
        // 1970-01-01 was a Thursday, so the Monday before it is day -3.
        let since_monday = (time_ns - self.day_starts_ns).div_euclid(DAY_NS).saturating_add(3);
        let (weeks, rest) = (since_monday.div_euclid(7), since_monday.rem_euclid(7));
        let weekdays = if rest < 5 { rest + 1 } else { 5 };
        (weeks * 5 + weekdays) as u32
    }
}

/// The longest window of an order rate.
pub const WINDOW_MAX_NS: Nanos = DAY_NS;
/// The shortest window of an order rate.
pub const WINDOW_MIN_NS: Nanos = SECOND_NS;
