//! Commands as JSON text: read with the world's listing, since scales depend on the instrument.

use crate::command::*;
use crate::contract;
use crate::corporate;
use crate::durable::Durable;
use crate::exchange::{Exchange, Profile};
use crate::ids::{IdKind, InstrumentIndex, OrderNumber, number_of, parse_uuid};
use crate::instrument::Instrument;
use crate::json::{Value, parse};
use crate::more_terms::MoreTerms;
use crate::order::OrderTerms;
use crate::reply::Refusal;
use crate::submit::not_found;
use crate::units::{
    DecimalError, MONEY_SCALE, PRICE_MAX, RATE_SCALE, format_decimal, parse_decimal,
};
use crate::words::*;

/// The most levels of a side that a question or a depth update may name.
const LEVELS_MAX: usize = 1_000;

/// Reads one command.
pub(crate) fn decode(durable: &Durable, text: &[u8]) -> Result<Input, Refusal> {
    let value = parse(text).map_err(|why| Refusal::malformed(refusal::MALFORMED, why))?;
    let fields = Fields { durable, value: &value };
    let kind = fields.text("kind")?;
    crate::members::check(kind, &value)?;
    match kind {
        "create_world" => fields.create_world(),
        "list_exchange" => fields.list_exchange(),
        "list_instrument" => fields.list_instrument(),
        "open_account" => fields.open_account(),
        "submit" => fields.order_terms().map(Input::Submit),
        "submit_all" => crate::together::decode(&fields).map(Input::SubmitAll),
        "preview" => fields.order_terms().map(Input::Preview),
        "replace" => fields.replace(),
        "cancel" => fields.cancel(),
        "cancel_list" => crate::together::decode_cancels(&fields).map(Input::CancelList),
        "cancel_all" => fields.cancel_all(),
        "value" => Ok(Input::Value { account: fields.account()? }),
        "book" => fields.book(),
        "instruments" => Ok(Input::Instruments),
        "exchanges" => Ok(Input::Exchanges),
        "quote" => fields.quote(),
        "depth" => fields.depth(),
        "trade" => fields.trade(),
        "bar" => fields.bar(),
        "agent_order" => fields.agent_order(),
        "agent_cancel" => fields.agent_cancel(),
        "time" => Ok(Input::Time),
        "session" => fields.session(),
        "halt" => fields.halt(),
        "resume" => fields.resume(),
        "corporate_action" => corporate::text::decode(&fields).map(Input::Corporate),
        "call_off_corporate_action" => {
            corporate::text::decode_call_off(&fields).map(Input::Corporate)
        }
        "checkpoint" => Ok(Input::Checkpoint),
        "set_profile" => crate::profile::command::decode(durable, &value, "profile")
            .map(|set| Input::SetRules(Box::new(set))),
        "set_fees" => crate::profile::command::decode(durable, &value, "fees")
            .map(|set| Input::SetRules(Box::new(set))),
        "rules" => crate::profile::command::scope(durable, &value).map(Input::Rules),
        "presets" => Ok(Input::Presets),
        kind => {
            let risk = || fields.risk_command(kind).map(|command| command.map(Input::Risk));
            let contract = fields.contract_command(kind).map(|it| it.map(Input::Contract));
            let money = || crate::money::command::decode(&fields, kind);
            let unknown = || Err(malformed(format!("unknown kind {kind:?}")).at("kind"));
            contract.or_else(money).or_else(risk).unwrap_or_else(unknown)
        }
    }
}

pub(crate) fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::malformed(refusal::MALFORMED, detail)
}

/// Refuses a change that was made with an older version in mind (`if_version`), so that of two who
/// change at once the second learns what the first did.
pub(crate) fn check_version(value: &Value<'_>, current: u64) -> Result<(), Refusal> {
    let Some(meant) = value.get("if_version") else {
        return Ok(());
    };
    match meant.decimal().map(str::parse::<u64>) {
        Some(Ok(version)) if version == current => Ok(()),
        Some(Ok(version)) => {
            let detail = "it was changed meanwhile; read it again and repeat the change";
            let mut refusal = Refusal::malformed(refusal::VERSION_CHANGED, detail).at("if_version");
            refusal.value = Some(version.to_string().into_boxed_str());
            refusal.limit = Some(current.to_string().into_boxed_str());
            Err(refusal)
        }
        _ => Err(malformed("if_version must be a whole number").at("if_version")),
    }
}

/// How much of a wrong value a refusal repeats.
const SAID_MAX: usize = 40;

/// The refusal of a text that is no decimal of its scale; `invalid` names what it should have
/// been.
pub(crate) fn bad_decimal(
    error: DecimalError,
    invalid: &'static str,
    (field, text): (&'static str, &str),
    scale: u8,
) -> Refusal {
    let most = format_decimal(i64::MAX.into(), scale, 0);
    let said: String = text.chars().take(SAID_MAX).collect();
    let (reason, detail) = match error {
        DecimalError::NotANumber => {
            (invalid, format!("{field} must be a decimal number, not {said:?}"))
        }
        DecimalError::TooLarge => {
            (invalid, format!("{field} {said} is beyond bounds: at most {most}"))
        }
        DecimalError::TooManyDecimals => {
            let detail = format!("{field} {said} may have at most {scale} decimals");
            (refusal::TOO_MANY_DECIMALS, detail)
        }
    };
    Refusal::malformed(reason, detail).at(field)
}

/// The members of a command, or of an object within it.
pub(crate) struct Fields<'a> {
    pub durable: &'a Durable,
    pub value: &'a Value<'a>,
}

impl<'a> Fields<'a> {
    pub fn get(&self, field: &'static str) -> Option<&'a Value<'a>> {
        self.value.get(field)
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        let members: &[(String, Value<'a>)] = match self.value {
            Value::Object(members) => members,
            _ => &[],
        };
        members.iter().map(|(name, _)| name.as_str())
    }

    pub fn text(&self, field: &'static str) -> Result<&'a str, Refusal> {
        let text = self.get(field).and_then(Value::text);
        text.ok_or_else(|| malformed(format!("{field} must be text")).at(field))
    }

    pub fn text_or(&self, field: &'static str, default: &'static str) -> Result<&'a str, Refusal> {
        if self.get(field).is_some() { self.text(field) } else { Ok(default) }
    }

    pub fn maybe_text(&self, field: &'static str) -> Result<Option<String>, Refusal> {
        match self.get(field) {
            None => Ok(None),
            Some(_) => self.text(field).map(|text| Some(text.to_owned())),
        }
    }

    pub fn request_id(&self) -> Result<Option<String>, Refusal> {
        let id = self.maybe_text("request_id")?;
        match id {
            Some(id) if !crate::checks::is_name(&id) => {
                Err(malformed("a request_id has 1 to 128 printable characters").at("request_id"))
            }
            id => Ok(id),
        }
    }

    pub fn word<T>(
        &self,
        field: &'static str,
        from_word: fn(&str) -> Option<T>,
        words: &[T],
        word: fn(T) -> &'static str,
    ) -> Result<T, Refusal>
    where
        T: Copy,
    {
        let found = self.get(field).and_then(Value::text).and_then(from_word);
        found.ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|member| word(*member)).collect();
            malformed(format!("{field} must be one of {}", known.join(", "))).at(field)
        })
    }

    pub fn integer<T: std::str::FromStr>(&self, field: &'static str) -> Result<T, Refusal> {
        let number = self.get(field).and_then(Value::integer);
        number.ok_or_else(|| malformed(format!("{field} must be a whole number")).at(field))
    }

    pub fn decimal(
        &self,
        field: &'static str,
        scale: u8,
        invalid: &'static str,
    ) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        let text = value.decimal();
        let parsed = text.map_or(Err(DecimalError::NotANumber), |text| parse_decimal(text, scale));
        let said = (field, text.unwrap_or_default());
        parsed.map(Some).map_err(|error| bad_decimal(error, invalid, said, scale))
    }

    pub fn needed(
        &self,
        field: &'static str,
        scale: u8,
        invalid: &'static str,
    ) -> Result<i64, Refusal> {
        let value = self.decimal(field, scale, invalid)?;
        value.ok_or_else(|| Refusal::malformed(invalid, format!("{field} is missing")).at(field))
    }

    pub fn price(&self, field: &'static str, terms: &Instrument) -> Result<Option<i64>, Refusal> {
        self.decimal(field, terms.price_scale, refusal::INVALID_PRICE)
    }

    pub fn needed_price(&self, field: &'static str, terms: &Instrument) -> Result<i64, Refusal> {
        self.needed(field, terms.price_scale, refusal::INVALID_PRICE)
    }

    pub fn needed_quantity(&self, field: &'static str, terms: &Instrument) -> Result<i64, Refusal> {
        self.needed(field, terms.qty_scale, refusal::INVALID_QUANTITY)
    }

    pub fn account(&self) -> Result<u32, Refusal> {
        let id = parse_uuid(self.text("account_id")?);
        let index = id.and_then(|id| self.durable.account_of.get(&id));
        index.copied().ok_or_else(|| not_found("no such account in this world", "account_id"))
    }

    pub fn order(&self) -> Result<OrderNumber, Refusal> {
        let id = parse_uuid(self.text("order_id")?);
        let number = id.and_then(|id| number_of(self.durable.prefix, IdKind::Order, id));
        number.ok_or_else(|| not_found("no such order of this account", "order_id"))
    }

    pub fn instrument(&self) -> Result<(InstrumentIndex, &'a Instrument), Refusal> {
        self.instrument_at("symbol")
    }

    /// The instrument that a field names.
    pub fn instrument_at(
        &self,
        field: &'static str,
    ) -> Result<(InstrumentIndex, &'a Instrument), Refusal> {
        let symbol = self.text(field)?;
        let index = self.durable.find_instrument(symbol);
        let record = index.and_then(|index| self.durable.instrument(index));
        match (index, record) {
            (Some(index), Some(record)) => Ok((index, &record.terms)),
            _ => {
                let detail = format!("there is no instrument {symbol:?} in this world");
                Err(Refusal::malformed(refusal::UNKNOWN_SYMBOL, detail).at(field))
            }
        }
    }

    pub fn side(&self) -> Result<Side, Refusal> {
        self.side_at("side")
    }

    /// The side that a field names.
    pub fn side_at(&self, field: &'static str) -> Result<Side, Refusal> {
        self.word(field, Side::from_word, Side::ALL, Side::word)
    }

    pub(crate) fn time_in_force(&self) -> Result<TimeInForce, Refusal> {
        let all = TimeInForce::ALL;
        self.word("time_in_force", TimeInForce::from_word, all, TimeInForce::word)
    }

    pub(crate) fn create_world(&self) -> Result<Input, Refusal> {
        Ok(Input::CreateWorld(CreateWorld {
            world: self.text("world")?.to_owned(),
            seed: self.integer("seed")?,
            sharing: self.word("sharing", Sharing::from_word, Sharing::ALL, Sharing::word)?,
        }))
    }

    pub fn part(&self, field: &'static str) -> Result<Fields<'a>, Refusal> {
        match self.get(field) {
            Some(value @ Value::Object(_)) => Ok(Fields { durable: self.durable, value }),
            _ => Err(malformed(format!("{field} must be an object")).at(field)),
        }
    }

    /// The objects of a list; none when it is left out.
    pub fn parts(&self, field: &'static str, most: usize) -> Result<Vec<Fields<'a>>, Refusal> {
        let wrong = || malformed(format!("{field} must be a list of objects")).at(field);
        let list = match self.get(field) {
            None => return Ok(Vec::new()),
            Some(value) => value.list().filter(|list| list.len() <= most).ok_or_else(wrong)?,
        };
        let part = |value: &'a Value<'a>| match value {
            Value::Object(_) => Ok(Fields { durable: self.durable, value }),
            _ => Err(wrong()),
        };
        list.iter().map(part).collect()
    }

    /// True or false; false when it is left out.
    pub fn flag(&self, field: &'static str) -> Result<bool, Refusal> {
        match self.get(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            _ => Err(malformed(format!("{field} must be true or false")).at(field)),
        }
    }

    pub fn rate(&self, field: &'static str) -> Result<i64, Refusal> {
        Ok(self.decimal(field, RATE_SCALE, refusal::MALFORMED)?.unwrap_or(0))
    }

    pub(crate) fn list_exchange(&self) -> Result<Input, Refusal> {
        let wrong = |field| move |why: String| malformed(why).at(field);
        let fees = self.get("fees").map(crate::fees::text::read).transpose();
        let profile = self.get("profile").map(crate::profile::text::read).transpose();
        let profile = profile.map_err(wrong("profile"))?;
        Ok(Input::ListExchange(Exchange {
            id: self.text("exchange")?.to_owned(),
            name: self.text("name")?.to_owned(),
            currency: self.text("currency")?.to_owned(),
            calendar: self.text("calendar")?.to_owned(),
            fees: fees.map_err(wrong("fees"))?.unwrap_or_default(),
            profile: profile.unwrap_or_else(Profile::usual),
            rules: self.exchange_rules()?,
        }))
    }

    pub(crate) fn list_instrument(&self) -> Result<Input, Refusal> {
        let exchange = self.text("exchange")?;
        let exchange = self.durable.exchange_of.get(exchange).copied();
        let exchange =
            exchange.ok_or_else(|| malformed("list its exchange first").at("exchange"))?;
        let price_scale: u8 = self.integer("price_scale")?;
        let qty_scale: u8 = self.integer("qty_scale")?;
        let classes = AssetClass::ALL;
        let triggers = TriggerSource::ALL;
        let asset_class =
            self.word("asset_class", AssetClass::from_word, classes, AssetClass::word)?;
        let (contract, tick_value) = contract::text::decode(self, asset_class, price_scale)?;
        let terms = Instrument {
            symbol: self.text("symbol")?.to_owned(),
            name: self.text("name")?.to_owned(),
            asset_class,
            exchange,
            sector: self.text_or("sector", "")?.to_owned(),
            currency: self.text("currency")?.to_owned(),
            tick_size: self.needed("tick_size", price_scale.min(12), refusal::INVALID_PRICE)?,
            lot_size: self.needed("lot_size", qty_scale.min(12), refusal::INVALID_QUANTITY)?,
            price_scale,
            qty_scale,
            source: self.word("source", Source::from_word, Source::ALL, Source::word)?,
            trigger: self.word(
                "trigger",
                TriggerSource::from_word,
                triggers,
                TriggerSource::word,
            )?,
            status: InstrumentStatus::Active,
            contract,
            rules: self.instrument_rules(price_scale)?,
        };
        contract::listing::check_tick_value(&terms, tick_value)?;
        Ok(Input::ListInstrument(terms))
    }

    pub(crate) fn open_account(&self) -> Result<Input, Refusal> {
        let id = parse_uuid(self.text("account_id")?);
        let kinds = AccountKind::ALL;
        Ok(Input::OpenAccount(OpenAccount {
            id: id.ok_or_else(|| malformed("account_id must be a UUID").at("account_id"))?,
            owner: self.text("owner")?.to_owned(),
            kind: self.word("account_kind", AccountKind::from_word, kinds, AccountKind::word)?,
            currency: self.text("currency")?.to_owned(),
            starting_cash: self.needed("starting_cash", MONEY_SCALE, refusal::MALFORMED)?,
            request_id: self.text("request_id")?.to_owned(),
            terms: crate::margin::text::decode_terms(self.value)?,
        }))
    }

    /// A limit price; a net price lies within bounds on either side of zero.
    fn limit_price(&self, terms: &Instrument, is_net: bool) -> Result<Option<i64>, Refusal> {
        let price = self.price("limit_price", terms)?;
        let Some(beyond) = price.filter(|it| is_net && !(-PRICE_MAX..=PRICE_MAX).contains(it))
        else {
            return Ok(price);
        };
        let (said, most) = (terms.format_price(beyond), terms.format_price(PRICE_MAX));
        let detail =
            format!("the net limit_price {said} is beyond bounds: give one from -{most} to {most}");
        Err(Refusal::malformed(refusal::INVALID_PRICE, detail).at("limit_price"))
    }

    /// The limit price of an oco may stand in its take_profit.
    fn profit_of_oco(&self, terms: &Instrument) -> Result<Option<i64>, Refusal> {
        let is_oco = self.get("order_class").and_then(Value::text) == Some(OrderClass::Oco.word());
        match self.get("take_profit") {
            Some(_) if is_oco => self.part("take_profit")?.price("limit_price", terms),
            _ => Ok(None),
        }
    }

    pub(crate) fn order_terms(&self) -> Result<OrderTerms, Refusal> {
        let account = self.account()?;
        let leg = self.pricing_leg()?;
        let is_net = leg.is_some();
        let (instrument, terms, side) = match leg {
            Some(leg) => leg,
            None => {
                let (instrument, terms) = self.instrument()?;
                (instrument, terms, self.side()?)
            }
        };
        let types = OrderType::ALL;
        Ok(OrderTerms {
            account,
            client_order_id: self.text_or("client_order_id", "preview")?.into(),
            instrument,
            side,
            order_type: self.word("type", OrderType::from_word, types, OrderType::word)?,
            qty: match self.get("qty") {
                None if self.get("notional").is_some() => 0,
                _ => self.needed_quantity("qty", terms)?,
            },
            limit_price: match self.get("limit_price") {
                None if self.names().any(|name| name == "order_class") => {
                    self.profit_of_oco(terms)?
                }
                _ => self.limit_price(terms, is_net)?,
            },
            stop_price: self.price("stop_price", terms)?,
            time_in_force: match self.get("time_in_force") {
                None => TimeInForce::Day,
                Some(_) => self.time_in_force()?,
            },
            more: MoreTerms::ask(self, terms)?,
        })
        .and_then(|terms| self.require_order_id(terms))
    }

    /// A submit must name its order; a preview need not.
    pub(crate) fn require_order_id(&self, terms: OrderTerms) -> Result<OrderTerms, Refusal> {
        let is_preview = self.get("kind").and_then(Value::text) == Some("preview");
        if !is_preview {
            self.text("client_order_id")?;
        }
        Ok(terms)
    }

    pub(crate) fn replace(&self) -> Result<Input, Refusal> {
        let account = self.account()?;
        let order = self.order()?;
        let known = self.durable.order(order).filter(|order| order.terms.account == account);
        let is_net = known.as_ref().is_some_and(|order| order.terms.is_combo());
        let record = known.and_then(|order| self.durable.instrument(order.terms.instrument));
        let Some(record) = record else {
            return Err(not_found("no such order of this account", "order_id"));
        };
        let scale = record.terms.qty_scale;
        Ok(Input::Replace(Replace {
            account,
            order,
            request_id: self.request_id()?,
            qty: self.decimal("qty", scale, refusal::INVALID_QUANTITY)?,
            limit_price: self.limit_price(&record.terms, is_net)?,
            stop_price: self.price("stop_price", &record.terms)?,
            time_in_force: match self.get("time_in_force") {
                None => None,
                Some(_) => Some(self.time_in_force()?),
            },
            more: MoreTerms::ask(self, &record.terms)?,
        }))
    }

    pub(crate) fn cancel(&self) -> Result<Input, Refusal> {
        let (account, order) = (self.account()?, self.order()?);
        Ok(Input::Cancel(Cancel { account, order, request_id: self.request_id()? }))
    }

    pub(crate) fn cancel_all(&self) -> Result<Input, Refusal> {
        let account = self.account()?;
        Ok(Input::CancelAll(CancelAll { account, request_id: self.request_id()? }))
    }

    pub(crate) fn book(&self) -> Result<Input, Refusal> {
        let (instrument, _) = self.instrument()?;
        let depth: usize = if self.get("depth").is_some() { self.integer("depth")? } else { 10 };
        Ok(Input::Book { instrument, depth: depth.min(LEVELS_MAX) })
    }

    pub(crate) fn quote(&self) -> Result<Input, Refusal> {
        let (instrument, terms) = self.instrument()?;
        let level = |price, size| -> Result<Option<StreetLevel>, Refusal> {
            match self.price(price, terms)? {
                None => Ok(None),
                Some(price) => Ok(Some((price, self.needed_quantity(size, terms)?))),
            }
        };
        let (bid, ask) = (level("bid", "bid_size")?, level("ask", "ask_size")?);
        Ok(Input::Quote(Quote { instrument, bid, ask }))
    }

    pub(crate) fn levels(
        &self,
        field: &'static str,
        terms: &Instrument,
    ) -> Result<Vec<StreetLevel>, Refusal> {
        let list = self.get(field).and_then(Value::list).unwrap_or(&[]);
        if list.len() > LEVELS_MAX {
            return Err(malformed(format!("{field} has more than {LEVELS_MAX} levels")).at(field));
        }
        let read = |value: Option<&Value<'_>>, scale: u8| {
            let text = value.and_then(Value::decimal).unwrap_or("");
            parse_decimal(text, scale)
                .map_err(|error| bad_decimal(error, refusal::MALFORMED, (field, text), scale))
        };
        let level = |value: &Value<'_>| -> Result<StreetLevel, Refusal> {
            let pair = value.list().unwrap_or(&[]);
            Ok((read(pair.first(), terms.price_scale)?, read(pair.get(1), terms.qty_scale)?))
        };
        list.iter().map(level).collect()
    }

    pub(crate) fn depth(&self) -> Result<Input, Refusal> {
        let (instrument, terms) = self.instrument()?;
        let (bids, asks) = (self.levels("bids", terms)?, self.levels("asks", terms)?);
        Ok(Input::Depth(Depth { instrument, bids, asks }))
    }

    pub(crate) fn trade(&self) -> Result<Input, Refusal> {
        let (instrument, terms) = self.instrument()?;
        Ok(Input::Trade(Trade {
            instrument,
            price: self.needed_price("price", terms)?,
            qty: self.needed_quantity("qty", terms)?,
            side: if self.get("side").is_some() { Some(self.side()?) } else { None },
        }))
    }

    pub(crate) fn bar(&self) -> Result<Input, Refusal> {
        let (instrument, terms) = self.instrument()?;
        let scale = terms.qty_scale;
        Ok(Input::Bar(Bar {
            instrument,
            open: self.needed_price("open", terms)?,
            high: self.needed_price("high", terms)?,
            low: self.needed_price("low", terms)?,
            close: self.needed_price("close", terms)?,
            volume: self.decimal("volume", scale, refusal::INVALID_QUANTITY)?.unwrap_or(0),
        }))
    }

    pub(crate) fn agent_order(&self) -> Result<Input, Refusal> {
        let (instrument, terms) = self.instrument()?;
        Ok(Input::AgentOrder(AgentOrder {
            instrument,
            agent: self.integer("agent")?,
            id: self.integer("id")?,
            side: self.side()?,
            price: self.price("price", terms)?,
            qty: self.needed_quantity("qty", terms)?,
        }))
    }

    pub(crate) fn agent_cancel(&self) -> Result<Input, Refusal> {
        let (instrument, _) = self.instrument()?;
        Ok(Input::AgentCancel(AgentCancel { instrument, id: self.integer("id")? }))
    }
}
