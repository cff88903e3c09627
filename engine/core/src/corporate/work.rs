//! Announcing actions, and working them off when their time has come.

use crate::checks::is_name;
use crate::corporate::event::CorporateEvent;
use crate::corporate::steps::{dividend_beyond_bounds, mark_after, next_step};
use crate::corporate::{Action, Change, CorporateCommand, RATIO_MAX, Stage};
use crate::event::Event;
use crate::ids::InstrumentIndex;
use crate::listing::require;
use crate::live::Live;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::units::{
    AMOUNT_MAX, PRICE_MAX, RATE_SCALE, TIME_MAX_NS, format_decimal, format_money, format_time,
};
use crate::words::refusal;

impl<S: Sink> Live<'_, S> {
    /// Announces an action, or calls one off; the same announcement again is answered with what
    /// exists.
    pub fn corporate(&mut self, command: &CorporateCommand) -> Result<Reply, Refusal> {
        match command {
            CorporateCommand::Announce(action) => self.announce(action),
            CorporateCommand::CallOff { id } => self.call_off(id),
        }
    }

    fn announce(&mut self, action: &Action) -> Result<Reply, Refusal> {
        let corporate = &self.durable.corporate;
        if let Some(known) = corporate.find(&action.id).and_then(|at| corporate.actions.get(at)) {
            let same = (known.instrument, &known.change) == (action.instrument, &action.change);
            if same {
                return Ok(Reply::new(Outcome::Existing, Body::World));
            }
            let detail = "this action_id was used for another action; send a new one";
            return Err(Refusal::new(Outcome::IdReused, refusal::ID_REUSED, detail));
        }
        if corporate.over.contains(&action.id) {
            return Ok(Reply::new(Outcome::Existing, Body::World));
        }
        self.check_action(action)?;
        let action = Action {
            ex_ns: action.ex_ns.max(self.now_ns()),
            stage: Stage::Announced,
            owed: Vec::new(),
            ..action.clone()
        };
        self.emit_corporate(CorporateEvent::Announced(Box::new(action)));
        self.work_off_actions();
        Ok(Reply::new(Outcome::Created, Body::World))
    }

    fn check_action(&self, action: &Action) -> Result<(), Refusal> {
        let Some(record) = self.durable.instrument(action.instrument) else {
            let detail = "no such instrument";
            return Err(Refusal::malformed(refusal::UNKNOWN_SYMBOL, detail).at("symbol"));
        };
        if record.terms.status == crate::words::InstrumentStatus::Delisted {
            let detail = "the instrument is delisted";
            return Err(Refusal::malformed(refusal::MALFORMED, detail).at("symbol"));
        }
        let times = [action.ex_ns, action.pay_ns];
        require(is_name(&action.id), "action_id", "an action has an id of 1 to 128 characters")?;
        require(
            times.iter().all(|time_ns| (0..=TIME_MAX_NS).contains(time_ns)),
            "ex_ns",
            "times are nanoseconds since 1970 UTC",
        )?;
        let now_ns = self.now_ns();
        if action.ex_ns != 0 && action.ex_ns < now_ns {
            let told = format_time(action.ex_ns);
            let detail = format!("the ex-time {told} has passed: leave ex_ns out for now");
            return Err(Refusal::malformed(refusal::MALFORMED, detail).at("ex_ns"));
        }
        if action.pay_ns != 0 && action.pay_ns < action.ex_ns.max(now_ns) {
            let told = format_time(action.pay_ns);
            let detail = format!("it is paid at {told}, before its ex-time: give a later pay_ns");
            return Err(Refusal::malformed(refusal::MALFORMED, detail).at("pay_ns"));
        }
        self.check_change(&action.change, record.terms.contract.is_some())?;
        match dividend_beyond_bounds(self.durable, action) {
            None => Ok(()),
            Some(owed) => {
                let (owed, most) = (format_money(owed), format_money(AMOUNT_MAX.into()));
                let detail =
                    format!("one account would be owed {owed}, at most {most} can be paid");
                Err(Refusal::malformed(refusal::MALFORMED, detail).at("amount").compare(owed, most))
            }
        }
    }

    fn check_change(&self, change: &Change, is_contract: bool) -> Result<(), Refusal> {
        match change {
            Change::Rename { .. } => self.check_names(change),
            _ if is_contract => {
                let detail = "only shares and coins have dividends, splits and delistings; a \
                              contract ends at its expiry";
                require(false, "symbol", detail)
            }
            Change::CashDividend { amount } => {
                let most = AMOUNT_MAX / 4;
                let show = |amount| format_decimal(i128::from(amount), RATE_SCALE, 0);
                let (said, most_said) = (show(*amount), show(most));
                let detail =
                    format!("a dividend is greater than zero and at most {most_said}, not {said}");
                let fits = (1..=most).contains(amount);
                require(fits, "amount", &detail)
            }
            Change::Split { new, old } => {
                let ratios = 1..=RATIO_MAX;
                let fits = ratios.contains(new) && ratios.contains(old) && new != old;
                require(fits, "new", "new and old differ and lie between 1 and 1000000")
            }
            Change::Delist { price } => {
                require((0..=PRICE_MAX).contains(price), "price", "the price is not negative")
            }
        }
    }

    fn check_names(&self, change: &Change) -> Result<(), Refusal> {
        let Change::Rename { symbol, name } = change else {
            return Ok(());
        };
        require(is_name(symbol) && is_name(name), "new_symbol", "give a symbol and a name")?;
        let taken = self.durable.instrument_of.contains_key(symbol);
        let free = !taken && !self.durable.corporate.is_promised(symbol);
        let detail = "this symbol is or was in use, or will be; choose another";
        require(free, "new_symbol", detail)
    }

    fn call_off(&mut self, id: &str) -> Result<Reply, Refusal> {
        let corporate = &self.durable.corporate;
        let action = corporate.find(id).and_then(|at| corporate.actions.get(at));
        match action.map(|action| action.stage) {
            Some(Stage::Announced) => {
                self.emit_corporate(CorporateEvent::CalledOff { id: id.to_owned() });
                Ok(Reply::new(Outcome::Ok, Body::World))
            }
            Some(_) => {
                let detail = "the action has begun and cannot be called off any more";
                let reason = refusal::NOT_CANCELABLE;
                Err(Refusal::new(Outcome::NotCancelable, reason, detail).at("action_id"))
            }
            None => Err(crate::submit::not_found("no such action is announced", "action_id")),
        }
    }

    fn emit_corporate(&mut self, event: CorporateEvent) {
        self.emit(Event::Corporate(Box::new(event)));
    }

    /// Works on actions whose time has come, as far as a turn may.
    pub fn work_off_actions(&mut self) {
        while !self.is_full() {
            let corporate = &self.durable.corporate;
            let due = corporate.due(self.now_ns()).and_then(|at| corporate.actions.get(at));
            let Some(action) = due else {
                return;
            };
            match action.stage {
                Stage::Announced => self.begin_action(action.clone()),
                Stage::Working(_) => self.work_on_action(action.clone()),
                Stage::Owing { .. } => self.pay_out(action.clone()),
            }
        }
    }

    fn begin_action(&mut self, action: Action) {
        if dividend_beyond_bounds(self.durable, &action).is_some() {
            // Whoever holds so much came after the announcement; nobody is paid a part.
            self.emit_corporate(CorporateEvent::CalledOff { id: action.id });
            return;
        }
        let Some(record) = self.durable.instrument(action.instrument) else {
            return;
        };
        let live = self.market(action.instrument).map(|market| market.mark(&record.terms));
        let mark = live.filter(|mark| mark.price().is_some()).unwrap_or(record.mark);
        let mark = mark_after(mark, &action.change);
        self.emit_corporate(CorporateEvent::Began { id: action.id, mark });
        if matches!(action.change, Change::Split { .. } | Change::Delist { .. }) {
            // Whatever stands in the market was said about the old shares.
            self.ephemeral.forget_market(action.instrument);
        }
    }

    fn work_on_action(&mut self, action: Action) {
        match next_step(self.durable, &action) {
            Some(Event::Canceled { order, reason, .. }) => self.cancel(order, reason, None),
            Some(event) => self.emit(event),
            None => {
                self.emit_corporate(CorporateEvent::Worked { id: action.id });
                let instrument = action.instrument;
                self.ephemeral
                    .link_again(self.durable, |order| order.terms.instrument == instrument);
                self.resume_after_action(instrument);
            }
        }
    }

    /// What has come while the instrument stood still may trade now.
    fn resume_after_action(&mut self, instrument: InstrumentIndex) {
        if self.may_trade(instrument) {
            self.work_on(instrument);
        }
    }

    fn pay_out(&mut self, action: Action) {
        let Stage::Owing { next } = action.stage else {
            return;
        };
        let id = action.id;
        match action.owed.get(next as usize) {
            Some((account, amount, _)) => self.emit_corporate(CorporateEvent::Paid {
                id,
                account: *account,
                instrument: action.instrument,
                amount: *amount,
            }),
            None => self.emit_corporate(CorporateEvent::Ended { id }),
        }
    }
}
