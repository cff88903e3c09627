//! The durable state of a world: what snapshots and the state hash cover.
//!
//! It changes only in `evolve`. Everything else in the crate reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::command::CreateWorld;
use crate::contract::{ContractsDue, spreads};
use crate::corporate::Corporate;
use crate::dates::{Dates, date_of};
use crate::delay::Delays;
use crate::event::Turn;
use crate::exchange::{Exchange, ExchangeRecord};
use crate::ids::{
    AccountIndex, CurrencyIndex, ExchangeIndex, FillNumber, InstrumentIndex, OrderNumber,
    world_prefix,
};
use crate::instrument::{Instrument, InstrumentRecord};
use crate::margin::Worth;
use crate::money::MoneyState;
use crate::order::Order;
use crate::orders::{Chain, Kept, OrderList, Orders};
use crate::risk::RiskState;
use crate::session::Sessions;
use crate::units::{Balance, Nanos};

/// The world's own balances in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Currency {
    /// Its code.
    pub code: String,
    /// The house: the street and the bots.
    pub house: Balance,
    /// Fee income.
    pub fees: Balance,
    /// Where deposits come from.
    pub funding: Balance,
    /// Between users; zero after every turn.
    pub clearing: Balance,
}

/// Everything that survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durable {
    /// The world's id.
    pub name: String,
    /// First 48 bits of the hash of the id; order and fill ids begin with it.
    pub prefix: u64,
    /// The last turn.
    pub turn: Turn,
    /// How the world was created.
    pub created: Option<CreateWorld>,
    /// Currencies, in the order they came up.
    pub currencies: Vec<Currency>,
    /// Exchanges, in the order of listing.
    pub exchanges: Vec<ExchangeRecord>,
    /// Instruments, in the order of listing.
    pub instruments: Vec<InstrumentRecord>,
    /// Accounts, in the order of opening.
    pub accounts: Vec<Account>,
    /// Open orders, and closed ones while their request id is kept.
    pub orders: Orders,
    /// Number of the next order.
    pub next_order: OrderNumber,
    /// Number of the next fill.
    pub next_fill: FillNumber,
    /// The next place in time.
    pub next_priority: u64,
    /// Rates, transfers, the daily work on margin accounts.
    pub money: MoneyState,
    /// When prices were marked last.
    pub marked_ns: Nanos,
    /// When a mark wrote equity rows last.
    pub equity_ns: Nanos,
    /// What is due with contracts. Derived.
    pub contracts: ContractsDue,
    /// The risk policy and kill switches; nothing until one is set.
    pub risk: Option<Box<RiskState>>,
    /// Corporate actions that are not over.
    pub corporate: Corporate,
    /// Account of an id. Derived.
    pub account_of: BTreeMap<u128, AccountIndex>,
    /// Instrument of a symbol. Derived.
    pub instrument_of: BTreeMap<String, InstrumentIndex>,
    /// Exchange of an id. Derived.
    pub exchange_of: BTreeMap<String, ExchangeIndex>,
    /// Open DAY orders of each exchange. Derived.
    pub day_orders: Vec<OrderList>,
    /// Open good-till-date orders.
    pub dates: Dates,
    /// Accounts whose cancel-all is not done. Derived.
    pub canceling: BTreeSet<AccountIndex>,
    /// Commands that are under way.
    pub delays: Delays,
    /// Auctions that are being uncrossed.
    pub sessions: Sessions,
}

impl Durable {
    /// An empty world.
    pub fn new(name: &str) -> Durable {
        Durable {
            name: name.to_owned(),
            prefix: world_prefix(name),
            turn: Turn::default(),
            created: None,
            currencies: Vec::new(),
            exchanges: Vec::new(),
            instruments: Vec::new(),
            accounts: Vec::new(),
            orders: Orders::default(),
            next_order: 1,
            next_fill: 1,
            next_priority: 1,
            marked_ns: 0,
            money: MoneyState::default(),
            equity_ns: 0,
            contracts: ContractsDue::default(),
            risk: None,
            corporate: Corporate::default(),
            account_of: BTreeMap::new(),
            instrument_of: BTreeMap::new(),
            exchange_of: BTreeMap::new(),
            day_orders: Vec::new(),
            dates: Dates::default(),
            canceling: BTreeSet::new(),
            delays: Delays::default(),
            sessions: Sessions::default(),
        }
    }

    /// The account at an index.
    pub fn account(&self, index: AccountIndex) -> Option<&Account> {
        self.accounts.get(index as usize)
    }

    /// The instrument at an index.
    pub fn instrument(&self, index: InstrumentIndex) -> Option<&InstrumentRecord> {
        self.instruments.get(index as usize)
    }

    /// The exchange at an index.
    pub fn exchange(&self, index: ExchangeIndex) -> Option<&ExchangeRecord> {
        self.exchanges.get(index as usize)
    }

    /// The exchange that lists an instrument.
    pub fn exchange_for(&self, instrument: &Instrument) -> Option<&ExchangeRecord> {
        self.exchange(instrument.exchange)
    }

    /// The order with this number, while it is kept.
    pub fn order(&self, number: OrderNumber) -> Option<Kept<'_>> {
        self.orders.find(number)
    }

    /// The order with this number, if it is open.
    pub fn open_order(&self, number: OrderNumber) -> Option<&Order> {
        self.orders.get(number).filter(|order| order.is_open())
    }

    /// The open orders of an account by rising number.
    pub fn open_orders(&self, account: AccountIndex) -> impl Iterator<Item = &Order> {
        let list = self.account(account).map(|account| account.open_orders).unwrap_or_default();
        self.orders.of(list, Chain::Account)
    }

    /// The currency of a code.
    pub fn find_currency(&self, code: &str) -> Option<CurrencyIndex> {
        let known = self.currencies.iter().position(|currency| currency.code == code);
        known.map(|index| index as CurrencyIndex)
    }

    /// The code of a currency.
    pub fn currency_code(&self, index: CurrencyIndex) -> &str {
        self.currencies.get(index as usize).map_or("", |currency| currency.code.as_str())
    }

    /// The instrument of a symbol; `BTCUSD` also finds `BTC/USD`.
    pub fn find_instrument(&self, symbol: &str) -> Option<InstrumentIndex> {
        let exact = self.instrument_of.get(symbol);
        if exact.is_some() || symbol.contains('/') {
            return exact.copied();
        }
        let same = |known: &str| known.contains('/') && known.replace('/', "") == symbol;
        self.instrument_of.iter().find(|(known, _)| same(known)).map(|(_, index)| *index)
    }

    /// Why an open order is due to leave, if it is: its day has ended, or its account canceled
    /// all. Such an order never fills, even when its turn to leave has not come yet.
    pub fn due(&self, order: &Order) -> Option<Due> {
        let account = self.account(order.terms.account)?;
        if self.risk.as_deref().is_some_and(|risk| risk.stops(account, order)) {
            return Some(Due::Kill);
        }
        if order.number < account.cancel_below {
            return Some(Due::Cancel);
        }
        if self.contract_ended(order.terms.instrument) {
            return Some(Due::Expire);
        }
        if date_of(order).is_some_and(|date| date <= self.dates.passed_ns) {
            return Some(Due::Expire);
        }
        self.has_ended(order)
    }

    /// The next order that is due to leave.
    pub fn next_due(&self) -> Option<(OrderNumber, Due)> {
        if let Some(account) = self.canceling.first().and_then(|index| self.account(*index)) {
            if let Some(order) = self.orders.first(&account.open_orders) {
                return Some((order.number, Due::Cancel));
            }
        }
        if let Some(number) = self.dates.next_passed() {
            return Some((number, Due::Expire));
        }
        let mut days = self.exchanges.iter().zip(&self.day_orders);
        let ended = days.find_map(|(exchange, orders)| {
            let number = self.orders.first(orders)?.number;
            (number < exchange.expire_below).then_some(number)
        });
        ended.or_else(|| self.next_ended()).map(|number| (number, Due::Expire))
    }

    /// What an account's positions are worth at the recorded marks, and what they cost.
    pub fn worth(&self, account: &Account) -> Worth {
        self.worth_at(account, |_, record| record.mark.price())
    }

    /// The same at other prices; a position without a price counts at cost.
    pub fn worth_at(
        &self,
        account: &Account,
        price_of: impl Fn(InstrumentIndex, &InstrumentRecord) -> Option<i64>,
    ) -> Worth {
        let abroad = self.abroad(account);
        let mut worth = Worth {
            equity: account.cash + account.receivable + abroad.cash,
            held: account.held + abroad.held,
            ..Worth::default()
        };
        let margin = account.margin();
        let mut has_options = false;
        for (index, position) in &account.positions {
            let Some(record) = self.instrument(*index).filter(|_| position.qty != 0) else {
                continue;
            };
            let cost = Balance::from(position.cost);
            let price = self.price_before(account, *index).or_else(|| price_of(*index, record));
            let value = price
                .map_or(cost, |price| Balance::from(record.terms.notional(price, position.qty)));
            has_options |= record.terms.is_option();
            let here =
                |amount| self.money.convert(amount, record.currency, account.currency).unwrap_or(0);
            worth.add(margin, record, (position.qty, value, cost), here);
        }
        if margin.is_some() && has_options {
            let required = spreads::required(self, account, &price_of);
            worth.initial_margin += required;
            worth.maintenance_margin += required;
        }
        worth
    }

    /// The price of a position whose turn in a split has not come, though the prices have changed.
    fn price_before(&self, account: &Account, instrument: InstrumentIndex) -> Option<i64> {
        if self.corporate.actions.is_empty() {
            return None;
        }
        let index = self.account_of.get(&account.id)?;
        self.corporate.mark_before(*index, instrument)?.price()
    }

    /// Whether an exchange with these terms is listed.
    pub fn has_exchange(&self, exchange: &Exchange) -> bool {
        self.exchange_of.contains_key(&exchange.id)
    }
}

/// Why an open order is due to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its account canceled all.
    Cancel,
    /// Its day has ended.
    Expire,
    /// A kill switch is on.
    Kill,
    /// The auction that it was for is over.
    AuctionOver,
}
