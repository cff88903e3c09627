//! A world: the one door of the engine.
//!
//! `apply` checks everything first, then emits; an event changes the durable state in `evolve` and
//! nowhere else. After the first event nothing can fail. `evolve` rebuilds the same state from the
//! tape, whatever the rules are by then.

use crate::account::Position;
use crate::checks::is_question;
use crate::command::Input;
use crate::durable::Durable;
use crate::event::{Event, Turn};
use crate::exchange::ExchangeRecord;
use crate::feed::Hearing;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::instrument::InstrumentRecord;
use crate::json::{ObjectWriter, push_list};
use crate::live::Live;
use crate::margin::Requirement;
use crate::market::Ephemeral;
use crate::objects;
use crate::questions::Present;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::risk::RiskCommand;
use crate::rows::TapeTurn;
use crate::sink::{Sink, TapeSink};
use crate::snapshot::{self, SnapshotError};
use crate::tape;
use crate::units::{Balance, Nanos, Quantity, TIME_MAX_NS, format_time};
use crate::wire;
use crate::words::refusal;

/// Why a turn of the tape cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeError {
    /// The turn.
    pub seq: u64,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for TapeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "turn {}: {}", self.seq, self.why)
    }
}

impl std::error::Error for TapeError {}

/// One clock, one set of accounts and books, one writer, one tape.
#[derive(Clone, Debug)]
pub struct World {
    durable: Durable,
    ephemeral: Ephemeral,
    /// Whether the ephemeral state belongs to the durable one; not after turns from the tape.
    is_linked: bool,
    now_ns: Nanos,
    market_seq: u64,
}

impl World {
    /// An empty world; its first command is `create_world`.
    ///
    /// The id has 1 to 40 characters of `a-z`, `0-9` and `-`.
    pub fn new(name: &str) -> Result<World, Refusal> {
        let is_fine = (1..=40).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !is_fine {
            let detail = "a world's id has 1 to 40 characters of a-z, 0-9 and -";
            return Err(Refusal::malformed(refusal::MALFORMED, detail).at("world"));
        }
        Ok(World::over(Durable::new(name)))
    }

    fn over(durable: Durable) -> World {
        World {
            ephemeral: Ephemeral::rebuild(&durable),
            is_linked: true,
            now_ns: durable.turn.time_ns,
            market_seq: durable.turn.market_seq,
            durable,
        }
    }

    /// The same world without its shortest way: every command takes the general one. It decides
    /// the same, slower; for tests.
    pub fn without_lane(mut self) -> World {
        self.ephemeral.lane.is_closed = true;
        self
    }

    /// The world's id.
    pub fn name(&self) -> &str {
        &self.durable.name
    }

    /// Number of the last turn.
    pub fn seq(&self) -> u64 {
        self.durable.turn.seq
    }

    /// How many market inputs there have been.
    pub fn market_seq(&self) -> u64 {
        self.market_seq
    }

    /// The world's time.
    pub fn time_ns(&self) -> Nanos {
        self.now_ns
    }

    /// The durable state, to read.
    pub fn durable(&self) -> &Durable {
        &self.durable
    }

    /// Whether due work is left for another `time` input.
    pub fn more_due(&self) -> bool {
        self.durable.next_due().is_some()
            || self.durable.delays.arrived(self.now_ns).is_some()
            || !self.durable.sessions.crossings.is_empty()
            || self.durable.money.is_due()
            || !self.ephemeral.unfinished.is_empty()
            || !self.ephemeral.arrivals.is_empty()
            || self.durable.is_risk_busy()
            || self.durable.corporate.due(self.now_ns).is_some()
            || self.durable.contract_due(self.now_ns).is_some()
            || self.ephemeral.watch.is_behind()
            || self.ephemeral.combos.are_due()
    }

    /// Applies one input at a time that never goes back: an earlier time counts as the present.
    ///
    /// Never panics and never fails half way: what is wrong is refused before the first event.
    pub fn apply<S: Sink>(&mut self, input: &Input, time_ns: Nanos, sink: &mut S) -> Reply {
        self.link();
        self.now_ns = self.now_ns.max(time_ns.clamp(0, TIME_MAX_NS));
        if is_question(input) {
            return self.answer(input).unwrap_or_else(Reply::from);
        }
        self.ephemeral.now_ns = self.now_ns;
        if input.is_market() && self.hear_feed(input, sink) {
            return Reply::nothing();
        }
        let mut live = Live {
            turn: Turn {
                seq: self.durable.turn.seq + 1,
                time_ns: self.now_ns,
                market_seq: self.market_seq + u64::from(input.is_market()),
            },
            durable: &mut self.durable,
            ephemeral: &mut self.ephemeral,
            sink,
            events: 0,
            kind: input.kind(),
            sweep: Vec::new(),
        };
        if let Some(reply) = live.take_lane(input) {
            live.finish();
            self.forget_quiet(input);
            return reply;
        }
        live.ephemeral.feed.forget();
        let result = live.perform(input);
        live.settle_down();
        live.finish();
        if input.is_market() {
            self.market_seq += 1;
        }
        result.unwrap_or_else(Reply::from)
    }

    /// Takes an input of the market that touches nobody; says whether it was one.
    pub(crate) fn hear_feed<S: Sink>(&mut self, input: &Input, sink: &mut S) -> bool {
        let (durable, ephemeral) = (&self.durable, &mut self.ephemeral);
        let is_heard = Hearing { durable, ephemeral, now_ns: self.now_ns }.hear(input, sink);
        self.market_seq += u64::from(is_heard);
        is_heard
    }

    /// An order came or left on the lane: other prices reach something in its market now.
    fn forget_quiet(&mut self, input: &Input) {
        let instrument = match input {
            Input::Submit(terms) => Some(terms.instrument),
            Input::Cancel(cancel) => {
                self.durable.order(cancel.order).map(|order| order.terms.instrument)
            }
            _ => None,
        };
        match instrument {
            Some(instrument) => self.ephemeral.forget_quiet(instrument),
            None => self.ephemeral.feed.forget(),
        }
    }

    /// Reads one command and applies it. Gives the outcome's word and the reply's JSON; nothing
    /// for a market input that was taken.
    pub fn apply_json<S: Sink>(
        &mut self,
        command: &[u8],
        time_ns: Nanos,
        sink: &mut S,
    ) -> Option<(&'static str, String)> {
        // What is refused here must find due work as what is taken does, also after a start.
        self.link();
        let reply = match self.decode(command) {
            Ok(input) => self.apply(&input, time_ns, sink),
            Err(refusal) => Reply::from(refusal),
        };
        match reply.body {
            Body::Nothing => None,
            _ => Some((reply.outcome.word(), self.reply_json(&reply))),
        }
    }

    /// Reads one command.
    pub fn decode(&self, command: &[u8]) -> Result<Input, Refusal> {
        wire::decode(&self.durable, command)
    }

    /// Links the market again after turns from the tape.
    fn link(&mut self) {
        if !self.is_linked {
            self.ephemeral = Ephemeral::rebuild(&self.durable);
            self.is_linked = true;
        }
    }

    fn present(&self) -> Present<'_> {
        Present { durable: &self.durable, ephemeral: &self.ephemeral, seq: self.seq() }
    }

    fn answer(&self, input: &Input) -> Result<Reply, Refusal> {
        let present = self.present();
        let unknown = || Refusal::malformed(refusal::UNKNOWN_SYMBOL, "no such instrument");
        let stranger = || crate::submit::not_found("no such account in this world", "account_id");
        let json = match input {
            Input::Value { account } => present.value(*account).ok_or_else(stranger)?,
            Input::Book { instrument, depth } => {
                present.book(*instrument, *depth).ok_or_else(unknown)?
            }
            Input::Preview(terms) => {
                self.durable.account(terms.account).ok_or_else(stranger)?;
                self.durable.instrument(terms.instrument).ok_or_else(unknown)?;
                present.preview(terms)?
            }
            Input::Exchanges => present.exchanges(),
            Input::Rules(scope) => {
                crate::profile::answer::rules(&self.durable, *scope).ok_or_else(unknown)?
            }
            Input::Presets => crate::profile::answer::presets(),
            Input::Risk(RiskCommand::Risk { account }) => {
                present.standing(*account).ok_or_else(stranger)?
            }
            Input::Risk(RiskCommand::Usage { account }) => {
                present.usage(*account, self.now_ns).ok_or_else(stranger)?
            }
            Input::Risk(_) => crate::risk::answer::policy(&self.durable),
            _ => present.instruments(),
        };
        Ok(Reply::new(Outcome::Ok, Body::Json(json)))
    }

    /// The JSON of a reply, as things stand now.
    pub fn reply_json(&self, reply: &Reply) -> String {
        let mut out = String::new();
        match &reply.body {
            Body::Json(json) => out.push_str(json),
            Body::Refusal(refusal) => self.push_refusal(&mut out, refusal),
            Body::Orders(orders) => self.push_orders(&mut out, orders),
            Body::Canceled { orders, remaining } => {
                self.push_canceled(&mut out, orders, *remaining)
            }
            body => self.push_thing(&mut out, body),
        }
        out
    }

    fn push_thing(&self, out: &mut String, body: &Body) {
        let (durable, seq) = (&self.durable, self.seq());
        match body {
            Body::Order(number) => self.push_order(out, *number),
            Body::Account(index) => {
                if let Some(account) = durable.account(*index) {
                    let worth = durable.worth(account);
                    objects::push_account(out, durable, account, worth, seq);
                }
            }
            Body::Instrument(index) => {
                if let Some(record) = durable.instrument(*index) {
                    objects::push_instrument(out, durable, record);
                }
            }
            Body::Exchange(index) => {
                if let Some(record) = durable.exchange(*index) {
                    objects::push_exchange(out, record);
                }
            }
            _ => {
                ObjectWriter::begin(out).text("world", self.name()).value("as_of_seq", seq).end();
            }
        }
    }

    fn push_order(&self, out: &mut String, number: u64) {
        match self.durable.order(number) {
            Some(order) => objects::push_order(out, &self.durable, &order, self.seq()),
            None => out.push_str("null"),
        }
    }

    fn push_refusal(&self, out: &mut String, refusal: &Refusal) {
        let mut object =
            ObjectWriter::begin(out).text("reason", refusal.reason).text("detail", &refusal.detail);
        let parts = [
            ("field", refusal.field),
            ("value", refusal.value.as_deref()),
            ("limit", refusal.limit.as_deref()),
        ];
        for (key, text) in parts {
            if let Some(text) = text {
                object = object.text(key, text);
            }
        }
        if let Some(time_ns) = refusal.next_open_ns {
            object = object.text("next_open", &format_time(time_ns));
        }
        if let Some(item) = refusal.item {
            object = object.value("item", item);
        }
        if let Some(number) = refusal.order {
            object = object
                .text("order_id", &crate::project::order_id(&self.durable, number))
                .with("order", |out| self.push_order(out, number));
        }
        object.end();
    }

    fn push_orders(&self, out: &mut String, orders: &[(Outcome, u64)]) {
        ObjectWriter::begin(out)
            .with("items", |out| {
                push_list(out, orders, |out, (outcome, number)| {
                    ObjectWriter::begin(out)
                        .text("id", &crate::project::order_id(&self.durable, *number))
                        .text("outcome", outcome.word())
                        .with("order", |out| self.push_order(out, *number))
                        .end();
                });
            })
            .end();
    }

    fn push_canceled(&self, out: &mut String, orders: &[u64], remaining: usize) {
        ObjectWriter::begin(out)
            .with("items", |out| {
                push_list(out, orders, |out, number| {
                    ObjectWriter::begin(out)
                        .text("id", &crate::project::order_id(&self.durable, *number))
                        .value("status", 200)
                        .with("order", |out| self.push_order(out, *number))
                        .end();
                });
            })
            .value("remaining", remaining)
            .end();
    }

    /// Applies one turn of the tape and projects its rows into the sink.
    ///
    /// After an error the world stands somewhere within that turn and must be thrown away.
    pub fn evolve(&mut self, turn: &TapeTurn, sink: &mut TapeSink) -> Result<(), TapeError> {
        let error = |why: String| TapeError { seq: turn.seq, why };
        if turn.seq != self.seq() + 1 {
            return Err(error(format!("turn {} was expected", self.seq() + 1)));
        }
        let head = Turn { seq: turn.seq, time_ns: turn.time_ns, market_seq: turn.market_seq };
        let result = tape::replay(&mut self.durable, &head, &turn.body, |durable, i, event| {
            sink.rebuild(durable, &head, i, event);
        });
        self.is_linked = false;
        result.map_err(error)?;
        sink.rebuild_end(&self.durable, &head);
        self.now_ns = self.now_ns.max(turn.time_ns);
        self.market_seq = self.market_seq.max(turn.market_seq);
        Ok(())
    }

    /// Lets one event of a turn happen again, as it was told to a sink. What is on a tape comes
    /// through `evolve`, which checks it first.
    pub fn follow(&mut self, turn: &Turn, event: &Event) {
        crate::evolve::evolve(&mut self.durable, turn, event);
        self.is_linked = false;
        self.now_ns = self.now_ns.max(turn.time_ns);
        self.market_seq = self.market_seq.max(turn.market_seq);
    }

    /// The durable state as canonical bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::write(&self.durable)
    }

    /// The world of a snapshot; nothing trades before the first fresh quote of its instrument.
    pub fn restore(data: &[u8]) -> Result<World, SnapshotError> {
        snapshot::read(data).map(World::over)
    }

    /// SHA-256 of the snapshot, as hex.
    pub fn state_hash(&self) -> String {
        let hash = snapshot::state_hash(&self.durable);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Symbol and quote JSON of all instruments that have a quote, or of those whose quote changed
    /// since the last call.
    pub fn quotes(&mut self, changed_only: bool) -> Vec<(String, String)> {
        self.link();
        let mut quotes = Vec::new();
        for (record, market) in self.durable.instruments.iter().zip(&mut self.ephemeral.markets) {
            let is_told = changed_only && !market.is_untold;
            if is_told || market.quote.time_ns == 0 {
                continue;
            }
            market.is_untold = false;
            let mut out = String::new();
            objects::push_quote(&mut out, &self.durable, &record.terms, market);
            quotes.push((record.terms.symbol.clone(), out));
        }
        quotes
    }

    /// The book of an instrument as JSON.
    pub fn book_json(&self, symbol: &str, depth: usize) -> Option<String> {
        self.present().book(self.instrument_index(symbol)?, depth)
    }

    /// What is left of a resting order of a house bot; `None` when it is gone.
    pub fn agent_order_left(&self, instrument: InstrumentIndex, id: u64) -> Option<Quantity> {
        let market = self.ephemeral.market(instrument).filter(|_| self.is_linked)?;
        market.bots_book().resting(*market.agents.get(&id)?).map(|order| order.qty)
    }

    /// Instruments in the order of listing.
    pub fn instruments(&self) -> &[InstrumentRecord] {
        &self.durable.instruments
    }

    /// Exchanges in the order of listing.
    pub fn exchanges(&self) -> &[ExchangeRecord] {
        &self.durable.exchanges
    }

    /// The instrument of a symbol.
    pub fn instrument_index(&self, symbol: &str) -> Option<InstrumentIndex> {
        self.durable.find_instrument(symbol)
    }

    /// The account of a UUID.
    pub fn account_index(&self, id: u128) -> Option<AccountIndex> {
        self.durable.account_of.get(&id).copied()
    }

    /// Cash of an account in money units, holds included.
    pub fn cash(&self, account: AccountIndex) -> Balance {
        self.durable.account(account).map_or(0, |account| account.cash)
    }

    /// Cash and positions of an account at live prices, in money units.
    pub fn equity(&self, account: AccountIndex) -> Balance {
        let present = self.present();
        let price =
            |index: InstrumentIndex, record: &InstrumentRecord| present.price(index, record);
        let account = self.durable.account(account);
        account.map_or(0, |account| self.durable.worth_at(account, price).equity)
    }

    /// What an account is worth at live prices and what is asked of it, in money units.
    pub fn requirement(&self, account: AccountIndex) -> Requirement {
        let present = self.present();
        let price =
            |index: InstrumentIndex, record: &InstrumentRecord| present.price(index, record);
        let account = self.durable.account(account);
        account.map_or(Requirement::default(), |it| it.requirement(&self.durable, price))
    }

    /// The position of an account in an instrument.
    pub fn position(&self, account: AccountIndex, instrument: InstrumentIndex) -> Position {
        self.durable
            .account(account)
            .map(|account| account.position(instrument))
            .unwrap_or_default()
    }
}

impl<S: Sink> Live<'_, S> {
    /// Does what an input asks for.
    fn perform(&mut self, input: &Input) -> Result<Reply, Refusal> {
        if self.durable.created.is_none() && !matches!(input, Input::CreateWorld(_)) {
            let detail = "the world does not exist yet: send create_world first";
            return Err(Refusal::malformed(refusal::MALFORMED, detail));
        }
        self.end_days();
        self.release_arrivals();
        self.begin_risk_day();
        self.work_off_actions();
        self.pass_dates();
        self.let_arrive();
        match input {
            Input::CreateWorld(create) => self.create_world(create),
            Input::ListExchange(exchange) => self.list_exchange(exchange),
            Input::ListInstrument(instrument) => self.list_instrument(instrument),
            Input::OpenAccount(open) => self.open_account(open),
            Input::Submit(terms) => self.submit(terms),
            Input::SubmitAll(orders) => self.submit_all(orders),
            Input::Replace(replace) => self.replace(replace),
            Input::Cancel(cancel) => self.cancel_order(cancel),
            Input::CancelList(list) => self.cancel_list(list),
            Input::CancelAll(cancel) => self.cancel_all(cancel),
            Input::Contract(command) => self.contract(command),
            Input::Risk(command) => self.risk(command),
            Input::Halt(halt) => self.halt(halt),
            Input::Resume(resume) => self.resume(resume),
            Input::Corporate(command) => self.corporate(command),
            Input::SetRules(set) => self.set_rules(set),
            Input::Money(command) => self.perform_money(command),
            Input::Checkpoint => Ok(self.checkpoint()),
            _ => self.hear(input).map(|()| Reply::nothing()),
        }
    }

    /// Inputs without a reply.
    fn hear(&mut self, input: &Input) -> Result<(), Refusal> {
        match input {
            Input::Quote(quote) => self.quote(quote),
            Input::Depth(depth) => self.depth(depth),
            Input::Trade(trade) => self.trade_print(trade),
            Input::Bar(bar) => self.bar(bar),
            Input::AgentOrder(order) => self.agent_order(order),
            Input::AgentCancel(cancel) => self.agent_cancel(cancel),
            Input::Session(session) => self.session(session),
            _ => {
                self.time();
                Ok(())
            }
        }
    }

    fn checkpoint(&mut self) -> Reply {
        let state_hash = snapshot::state_hash(self.durable);
        self.emit(Event::Checkpoint { state_hash });
        Reply::new(Outcome::Ok, Body::World)
    }
}
