//! Deciding commands about contracts: exercise, instructions, settlement prices, funding rates.

use crate::checks::Failure;
use crate::contract::command::ContractCommand;
use crate::contract::event::{ContractEvent, Passed};
use crate::contract::outcome::Holding;
use crate::contract::state::Work;
use crate::contract::terms::OptionTerms;
use crate::digest;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::live::Live;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::submit::{refused, request_id};
use crate::units::{PRICE_MAX, Price, Quantity, format_money};
use crate::wire::malformed;
use crate::words::{
    AccountStatus, ContractWork, Delivery, InstrumentStatus, Reason, Right, Side, Style, refusal,
};

/// The most works of one contract that may wait.
const WORKS_MAX: usize = 100;
/// The largest funding rate, in 10^-9: the whole notional.
const RATE_MAX: i64 = 1_000_000_000;

impl<S: Sink> Live<'_, S> {
    /// Does what a command asks of a contract.
    pub fn contract(&mut self, command: &ContractCommand) -> Result<Reply, Refusal> {
        match command {
            ContractCommand::Exercise { account, instrument, qty, request_id } => {
                self.exercise(*account, *instrument, *qty, request_id)
            }
            ContractCommand::Instruct { account, instrument, exercise } => {
                self.instruct(*account, *instrument, *exercise)
            }
            ContractCommand::Settle { instrument, price, at_expiry } => {
                self.settle_contract(*instrument, *price, *at_expiry)
            }
            ContractCommand::Funding { instrument, rate } => self.fund(*instrument, *rate),
        }
    }

    /// The option terms of an instrument that still trades.
    fn option_of(&self, instrument: InstrumentIndex) -> Result<OptionTerms, Refusal> {
        self.find_instrument(instrument)?;
        let terms = self.terms_of(instrument);
        let option = terms.and_then(|terms| terms.contract.as_deref()?.option);
        let Some(option) = option else {
            return Err(malformed("this instrument is no option").at("symbol"));
        };
        let lives = terms.is_some_and(|terms| terms.status == InstrumentStatus::Active);
        if lives && !self.is_over(instrument) {
            return Ok(option);
        }
        let failure = Failure::new(Reason::InstrumentNotActive, "this option has ended");
        Err(refused(failure.at("symbol")))
    }

    fn exercise(
        &mut self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        qty: Quantity,
        id: &Option<String>,
    ) -> Result<Reply, Refusal> {
        self.find_account(account)?;
        let request = request_id(id, digest::of_exercise(instrument, qty));
        if self.answered_request(account, request.as_ref())?.is_some() {
            return Ok(Reply::new(Outcome::Existing, Body::Account(account)));
        }
        let option = self.option_of(instrument)?;
        crate::checks::check_quantity(qty)?;
        if option.style == Style::European {
            let detail = "a European option is exercised at its expiry only";
            return Err(malformed(detail).at("symbol"));
        }
        let price = self.underlying_price(instrument);
        self.check_exercise(account, instrument, (option, price), qty).map_err(refused)?;
        let (long, short) = self.open_interest(instrument);
        // In an isolated world the house delivers, and no user is assigned for another.
        let assigned = if self.durable.is_isolated() { 0 } else { qty };
        let wheel = self.wheel(instrument, long.max(short), assigned);
        let Some(holding) = Holding::of(self.durable, account, instrument) else {
            return Err(crate::submit::not_found("no such account in this world", "account_id"));
        };
        let kind = ContractWork::Exercise;
        let passed = holding.told(holding.exercised(option, price, (qty, qty), kind));
        self.emit_contract(ContractEvent::Passed(Passed { request, ..passed }));
        let work = Work { wheel, ..Work::at(ContractWork::Assignment, price) };
        self.emit_contract(ContractEvent::Began { instrument, work });
        self.work_on_contract(instrument);
        Ok(Reply::new(Outcome::Ok, Body::Account(account)))
    }

    fn underlying_price(&self, instrument: InstrumentIndex) -> Price {
        let contract = self.terms_of(instrument).and_then(|terms| terms.contract.as_deref());
        let underlying = contract.and_then(|contract| contract.underlying);
        underlying.map_or(0, |underlying| self.settlement_price(underlying))
    }

    fn check_exercise(
        &self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        (option, price): (OptionTerms, Price),
        qty: Quantity,
    ) -> Result<(), Failure> {
        let not_active = || Failure::new(Reason::AccountNotActive, "this account may not trade");
        let Some(holding) = Holding::of(self.durable, account, instrument) else {
            return Err(not_active());
        };
        if holding.account.status != AccountStatus::Active {
            return Err(not_active());
        }
        let terms = holding.terms;
        let position = holding.account.position(instrument);
        if qty % terms.lot_size != 0 {
            let lot = terms.format_quantity(terms.lot_size);
            let detail = format!("the quantity must be a multiple of the lot size {lot}");
            let failure = Failure::new(Reason::InvalidLot, detail).at("qty");
            return Err(failure.compare(terms.format_quantity(qty), lot));
        }
        let free = position.qty.saturating_sub(position.promised);
        if qty > free {
            let detail = "only what is held and not promised to sell orders can be exercised";
            let failure = Failure::new(Reason::InsufficientQuantity, detail).at("qty");
            let value = terms.format_quantity(qty);
            return Err(failure.compare(value, terms.format_quantity(free.max(0))));
        }
        self.check_carry(&holding, (option, price), qty)
    }

    fn check_carry(
        &self,
        holding: &Holding<'_>,
        (option, price): (OptionTerms, Price),
        qty: Quantity,
    ) -> Result<(), Failure> {
        if self.underlying_changes(holding.instrument) {
            let detail = "a corporate action of the underlying is being worked off: try again";
            return Err(Failure::new(Reason::InstrumentNotActive, detail).at("symbol"));
        }
        let waiting = self.durable.contract_state(holding.instrument);
        if waiting.is_some_and(|state| state.works.len() >= WORKS_MAX) {
            let detail = "too many assignments of this option wait: try again in a moment";
            return Err(Failure::new(Reason::InstrumentNotActive, detail).at("symbol"));
        }
        let side = if option.right == Right::Call { Side::Buy } else { Side::Sell };
        let units = holding.units(qty);
        let in_cash = holding.contract.delivery == Delivery::Cash;
        if in_cash || holding.can_carry(option, price, (side, qty, units)) {
            return Ok(());
        }
        let strike = holding.terms.notional(option.strike, qty);
        let (reason, detail) = match side {
            Side::Buy => (Reason::InsufficientBuyingPower, "the account cannot pay the strike"),
            Side::Sell => {
                (Reason::InsufficientQuantity, "the account does not have what it would deliver")
            }
        };
        let limit = format_money(holding.account.free_cash());
        Err(Failure::new(reason, detail).at("qty").compare(format_money(strike.into()), limit))
    }

    fn instruct(
        &mut self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        exercise: bool,
    ) -> Result<Reply, Refusal> {
        self.find_account(account)?;
        self.option_of(instrument)?;
        let state = self.durable.contract_state(instrument);
        let stands = state.is_some_and(|state| state.keeping.contains(&account) != exercise);
        if stands {
            return Ok(Reply::new(Outcome::Existing, Body::Account(account)));
        }
        self.emit_contract(ContractEvent::Instructed { instrument, account, exercise });
        Ok(Reply::new(Outcome::Ok, Body::Account(account)))
    }

    fn settle_contract(
        &mut self,
        instrument: InstrumentIndex,
        price: Price,
        at_expiry: bool,
    ) -> Result<Reply, Refusal> {
        self.check_contract(instrument)?;
        if !(1..=PRICE_MAX).contains(&price) {
            let detail = "the price must be greater than zero and within bounds";
            return Err(Refusal::malformed(refusal::INVALID_PRICE, detail).at("price"));
        }
        let contract = self.terms_of(instrument).and_then(|terms| terms.contract.as_deref());
        let ends = contract.is_some_and(|contract| contract.expiry_ns != 0);
        let is_option = contract.is_some_and(|contract| contract.option.is_some());
        if !ends || (is_option && !at_expiry) {
            let detail = "only futures settle, and options at their expiry (at_expiry)";
            return Err(malformed(detail).at("symbol"));
        }
        if at_expiry {
            self.emit_contract(ContractEvent::PriceStated { instrument, price });
        } else {
            let work = Work::at(ContractWork::Settlement, price);
            self.emit_contract(ContractEvent::Began { instrument, work });
            self.work_on_contract(instrument);
        }
        Ok(Reply::new(Outcome::Ok, Body::Instrument(instrument)))
    }

    fn fund(&mut self, instrument: InstrumentIndex, rate: i64) -> Result<Reply, Refusal> {
        self.check_contract(instrument)?;
        let contract = self.terms_of(instrument).and_then(|terms| terms.contract.as_deref());
        let has_funding = contract.is_some_and(|it| it.is_margined && it.expiry_ns == 0);
        if !has_funding {
            let detail = "only perpetuals and leveraged currency pairs have funding";
            return Err(malformed(detail).at("symbol"));
        }
        if !(-RATE_MAX..=RATE_MAX).contains(&rate) {
            return Err(malformed("a funding rate lies between -1 and 1").at("rate"));
        }
        if self.funding_interval(instrument) > 0 {
            let next_funding_ns =
                self.durable.contract_state(instrument).map_or(0, |state| state.next_funding_ns);
            self.emit_contract(ContractEvent::FundingSet { instrument, rate, next_funding_ns });
        } else {
            self.begin_funding_at(instrument, rate);
            self.work_on_contract(instrument);
        }
        Ok(Reply::new(Outcome::Ok, Body::Instrument(instrument)))
    }

    /// Whether a command may be about this contract now.
    fn check_contract(&self, instrument: InstrumentIndex) -> Result<(), Refusal> {
        self.find_instrument(instrument)?;
        let Some(state) = self.durable.contract_state(instrument) else {
            return Err(malformed("this instrument is no contract").at("symbol"));
        };
        if state.ended || self.is_over(instrument) || state.works.len() >= WORKS_MAX {
            let detail = "this contract has ended, or has too much to do: try again in a moment";
            let failure = Failure::new(Reason::InstrumentNotActive, detail);
            return Err(refused(failure.at("symbol")));
        }
        Ok(())
    }
}
