//! What happens in a corporate action, and what each event changes.

use crate::account::Position;
use crate::corporate::{Action, Change, Cursor, OVER_KEPT, Stage};
use crate::durable::Durable;
use crate::evolve::{promise, set_aside};
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::instrument::Mark;
use crate::lots::Lot;
use crate::more_terms::MoreTerms;
use crate::orders::Chain;
use crate::postings::{Asset, Line, Party, transfer};
use crate::project::Touched;
use crate::units::{Balance, Money, Price, Quantity};
use crate::words::{InstrumentStatus, LedgerKind};

/// An open order with the terms that it has after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAdjusted {
    /// The order.
    pub order: OrderNumber,
    /// Quantity in all.
    pub qty: Quantity,
    /// Of it filled.
    pub filled: Quantity,
    /// Of it waiting for its parent.
    pub waits: Quantity,
    /// Limit price.
    pub limit_price: Option<Price>,
    /// Stop price.
    pub stop_price: Option<Price>,
    /// What only some orders ask for.
    pub more: Option<Box<MoreTerms>>,
    /// The hold that it has from now on.
    pub hold: Money,
    /// What was filled when the part that an iceberg shows was last filled up, in the new units;
    /// `None` for all other orders, and on tapes of the past, where a whole part showed again.
    pub shown_from: Option<Quantity>,
}

/// A position as an action changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionAdjusted {
    /// Whose.
    pub account: AccountIndex,
    /// In what.
    pub instrument: InstrumentIndex,
    /// Quantity added or taken away.
    pub qty: Quantity,
    /// Cost added or taken away.
    pub cost: Money,
    /// Money paid for what is taken away: cash in lieu, or the price of a delisting.
    pub cash: Money,
    /// Profit: that money less the cost taken away.
    pub realized_pl: Money,
    /// The same in the currency of the account, when that is another one.
    pub realized_here: Option<Money>,
    /// The lots that it has from now on; none at average cost.
    pub lots: Vec<Lot>,
}

/// Everything that can happen in a corporate action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorporateEvent {
    /// It was announced.
    Announced(Box<Action>),
    /// It was called off.
    CalledOff {
        /// Its id.
        id: String,
    },
    /// Its ex-time is there: the instrument stands still, its prices are as they are after it.
    Began {
        /// Its id.
        id: String,
        /// The mark from now on.
        mark: Mark,
    },
    /// An order has new terms.
    Order {
        /// Its id.
        id: String,
        /// The order.
        adjusted: Box<OrderAdjusted>,
    },
    /// A position changed.
    Position {
        /// Its id.
        id: String,
        /// The position.
        adjusted: Box<PositionAdjusted>,
    },
    /// An account is owed a dividend; negative for a short.
    Owed {
        /// Its id.
        id: String,
        /// Whose.
        account: AccountIndex,
        /// How much.
        amount: Money,
        /// The same in the currency of the account, when that is another one.
        here: Option<Money>,
    },
    /// What an account has of the instrument is known by the new symbol.
    Renamed {
        /// Its id.
        id: String,
        /// Whose.
        account: AccountIndex,
    },
    /// All accounts are adjusted; the instrument trades again.
    Worked {
        /// Its id.
        id: String,
    },
    /// A dividend was paid, or debited.
    Paid {
        /// Its id.
        id: String,
        /// Whose.
        account: AccountIndex,
        /// In whose currency.
        instrument: InstrumentIndex,
        /// How much.
        amount: Money,
    },
    /// It is over.
    Ended {
        /// Its id.
        id: String,
    },
}

impl CorporateEvent {
    /// The id of the action.
    pub fn id(&self) -> &str {
        match self {
            CorporateEvent::Announced(action) => &action.id,
            CorporateEvent::CalledOff { id }
            | CorporateEvent::Began { id, .. }
            | CorporateEvent::Order { id, .. }
            | CorporateEvent::Position { id, .. }
            | CorporateEvent::Owed { id, .. }
            | CorporateEvent::Renamed { id, .. }
            | CorporateEvent::Worked { id }
            | CorporateEvent::Paid { id, .. }
            | CorporateEvent::Ended { id } => id,
        }
    }
}

/// Applies an event to the durable state.
pub(crate) fn evolve(durable: &mut Durable, event: &CorporateEvent) {
    match event {
        CorporateEvent::Announced(action) => durable.corporate.actions.push((**action).clone()),
        CorporateEvent::CalledOff { id } | CorporateEvent::Ended { id } => finish(durable, id),
        CorporateEvent::Began { id, mark } => begin(durable, id, *mark),
        CorporateEvent::Order { id, adjusted } => {
            let account = durable.order(adjusted.order).map_or(0, |order| order.terms.account);
            adjust_order(durable, adjusted);
            move_on(durable, id, account, |cursor| cursor.order = adjusted.order + 1);
        }
        CorporateEvent::Position { id, adjusted } => {
            adjust_position(durable, adjusted);
            move_on(durable, id, adjusted.account, |cursor| cursor.position = true);
        }
        CorporateEvent::Owed { id, account, amount, here } => {
            owe(durable, id, *account, (*amount, here.unwrap_or(*amount)));
            move_on(durable, id, *account, |cursor| cursor.position = true);
        }
        CorporateEvent::Renamed { id, account } => {
            move_on(durable, id, account + 1, |_| {});
        }
        CorporateEvent::Worked { id } => {
            if let Some(Action { instrument, change: Change::Split { new, old }, .. }) =
                action(durable, id)
            {
                let (instrument, split) = (*instrument, (*new, *old));
                crate::contract::state::was_split(durable, instrument, split);
            }
            set_stage(durable, id, Stage::Owing { next: 0 });
        }
        CorporateEvent::Paid { id, account, amount, .. } => pay(durable, id, *account, *amount),
    }
}

fn action<'a>(durable: &'a mut Durable, id: &str) -> Option<&'a mut Action> {
    let index = durable.corporate.find(id)?;
    durable.corporate.actions.get_mut(index)
}

fn set_stage(durable: &mut Durable, id: &str, stage: Stage) {
    if let Some(action) = action(durable, id) {
        action.stage = stage;
    }
}

/// Goes on with an account; what was done of another is forgotten.
fn move_on(durable: &mut Durable, id: &str, account: AccountIndex, done: impl FnOnce(&mut Cursor)) {
    if let Some(Action { stage: Stage::Working(cursor), .. }) = action(durable, id) {
        if cursor.account != account {
            *cursor = Cursor { account, ..Cursor::default() };
        }
        done(cursor);
    }
}

fn finish(durable: &mut Durable, id: &str) {
    let Some(index) = durable.corporate.find(id) else {
        return;
    };
    let action = durable.corporate.actions.remove(index);
    durable.corporate.over.push(action.id);
    if durable.corporate.over.len() > OVER_KEPT {
        durable.corporate.over.remove(0);
    }
}

fn begin(durable: &mut Durable, id: &str, mark: Mark) {
    let below = durable.next_order;
    set_stage(durable, id, Stage::Working(Cursor::default()));
    let Some(index) = durable.corporate.find(id) else {
        return;
    };
    let (instrument, change) = match durable.corporate.actions.get(index) {
        Some(action) => (action.instrument, action.change.clone()),
        None => return,
    };
    let fills_from = durable.next_fill;
    let Some(record) = durable.instruments.get_mut(instrument as usize) else {
        return;
    };
    let before = std::mem::replace(&mut record.mark, mark);
    match change {
        Change::Rename { symbol, name } => {
            let former = std::mem::replace(&mut record.terms.symbol, symbol.clone());
            record.terms.name = name;
            record.former.push(former);
            durable.instrument_of.insert(symbol, instrument);
        }
        Change::Delist { .. } => {
            record.terms.status = InstrumentStatus::Delisted;
            record.fills_from = fills_from;
        }
        Change::CashDividend { .. } | Change::Split { .. } => {}
    }
    if let Some(action) = action(durable, id) {
        action.below = below;
        action.before = before;
    }
}

fn adjust_order(durable: &mut Durable, adjusted: &OrderAdjusted) {
    let turn = durable.turn;
    let Some(order) = durable.orders.get_mut(adjusted.order) else {
        return;
    };
    let (before, hold) = (order.promised(), order.hold);
    order.terms.qty = adjusted.qty;
    order.filled = adjusted.filled;
    if let Some(extra) = &mut order.extra {
        (extra.shown_from, extra.waits) = (adjusted.filled, adjusted.waits);
    }
    if let Some(from) = adjusted.shown_from.filter(|from| *from != order.extra().shown_from) {
        order.extra_mut().shown_from = from;
    }
    order.terms.limit_price = adjusted.limit_price;
    order.terms.stop_price = adjusted.stop_price;
    order.terms.more = adjusted.more.clone();
    order.hold = adjusted.hold;
    order.updated_ns = turn.time_ns;
    order.seq = turn.seq;
    let more = order.promised() - before;
    let terms = &order.terms;
    let record = durable.instruments.get(terms.instrument as usize);
    if let Some(account) = durable.accounts.get_mut(terms.account as usize) {
        let held = Balance::from(adjusted.hold) - Balance::from(hold);
        set_aside(account, record.map(|record| record.currency), held);
        account.seq = turn.seq;
        promise(account, terms, more);
    }
}

fn adjust_position(durable: &mut Durable, adjusted: &PositionAdjusted) {
    let seq = durable.turn.seq;
    let Some(account) = durable.accounts.get_mut(adjusted.account as usize) else {
        return;
    };
    let here = adjusted.realized_here.unwrap_or(adjusted.realized_pl);
    account.realized_pl += Balance::from(here);
    account.seq = seq;
    let position: &mut Position = account.positions.entry(adjusted.instrument).or_default();
    position.cost = position.cost.saturating_add(adjusted.cost);
    position.realized_pl += Balance::from(adjusted.realized_pl);
    position.seq = seq;
    if let Some(more) = account.more.as_deref_mut() {
        if adjusted.lots.is_empty() {
            more.lots.remove(&adjusted.instrument);
        } else {
            more.lots.insert(adjusted.instrument, adjusted.lots.clone());
        }
    }
}

fn owe(durable: &mut Durable, id: &str, index: AccountIndex, (amount, here): (Money, Money)) {
    if let Some(action) = action(durable, id) {
        action.owed.push((index, amount, here));
    }
    let seq = durable.turn.seq;
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        account.receivable += Balance::from(here);
        account.seq = seq;
    }
}

/// What an account is owed and not yet paid leaves it with what it was.
pub(crate) fn forgo(durable: &mut Durable, index: AccountIndex) {
    for action in &mut durable.corporate.actions {
        let paid = match action.stage {
            Stage::Owing { next } => next as usize,
            _ => 0,
        };
        let mut at = 0..;
        action.owed.retain(|owed| at.next().is_some_and(|at| at < paid) || owed.0 != index);
    }
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        account.receivable = 0;
    }
}

fn pay(durable: &mut Durable, id: &str, index: AccountIndex, amount: Money) {
    let mut here = amount;
    if let Some(Action { stage: Stage::Owing { next }, owed, .. }) = action(durable, id) {
        here = owed.get(*next as usize).map_or(amount, |owed| owed.2);
        *next += 1;
    }
    let seq = durable.turn.seq;
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        account.receivable -= Balance::from(here);
        account.seq = seq;
    }
}

/// The ledger lines of an event: the house pays what holders get, and takes what they give.
pub(crate) fn postings(event: &CorporateEvent, mut take: impl FnMut(Line)) {
    match event {
        CorporateEvent::Position { adjusted, .. } => {
            let parties = (Party::Account(adjusted.account), Party::House);
            let (instrument, kind) = (adjusted.instrument, LedgerKind::CorporateAction);
            transfer(&mut take, parties, Asset::Holding(instrument), adjusted.qty, kind);
            if adjusted.cash != 0 {
                let cash = Asset::CashOfInstrument(instrument);
                transfer(&mut take, parties, cash, adjusted.cash, kind);
            }
        }
        CorporateEvent::Paid { account, instrument, amount, .. } => {
            let parties = (Party::Account(*account), Party::House);
            let cash = Asset::CashOfInstrument(*instrument);
            transfer(&mut take, parties, cash, *amount, LedgerKind::Dividend);
        }
        _ => {}
    }
}

/// Notes what an event touched.
pub(crate) fn touch(touched: &mut Touched, durable: &Durable, event: &CorporateEvent) {
    match event {
        CorporateEvent::Order { adjusted, .. } => {
            touched.orders.insert(adjusted.order);
            if let Some(order) = durable.order(adjusted.order) {
                touched.accounts.insert(order.terms.account);
            }
        }
        CorporateEvent::Position { adjusted, .. } => {
            touched.accounts.insert(adjusted.account);
            touched.equity.insert(adjusted.account);
            touched.positions.insert((adjusted.account, adjusted.instrument));
        }
        CorporateEvent::Owed { account, .. } | CorporateEvent::Paid { account, .. } => {
            touched.accounts.insert(*account);
            touched.equity.insert(*account);
        }
        CorporateEvent::Renamed { id, account } => touch_renamed(touched, durable, id, *account),
        _ => {}
    }
}

/// The rows of an account that name the instrument: its position, and its open orders.
fn touch_renamed(touched: &mut Touched, durable: &Durable, id: &str, index: AccountIndex) {
    let action = durable.corporate.find(id).and_then(|it| durable.corporate.actions.get(it));
    let (Some(action), Some(account)) = (action, durable.account(index)) else {
        return;
    };
    touched.accounts.insert(index);
    if account.positions.contains_key(&action.instrument) {
        touched.positions.insert((index, action.instrument));
        touched.renamed.insert((index, action.instrument));
    }
    for order in durable.orders.of(account.open_orders, Chain::Account) {
        if order.terms.instrument == action.instrument {
            touched.orders.insert(order.number);
        }
    }
}
