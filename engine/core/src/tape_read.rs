//! Reads events back from the tape, checking that each fits the state that it is applied to.

use crate::command::CreateWorld;
use crate::contract;
use crate::corporate;
use crate::durable::Durable;
use crate::event::{Event, Fill, Replaced, RequestId};
use crate::exchange::{Exchange, Fees, Profile};
use crate::ids::{
    AccountIndex, ExchangeIndex, IdKind, InstrumentIndex, OrderNumber, number_of, parse_uuid,
};
use crate::instrument::{Instrument, Mark};
use crate::json::Value;
use crate::money::event::MoneyEvent;
use crate::more_terms::MoreTerms;
use crate::order::{Order, OrderTerms};
use crate::receipt::Receipt;
use crate::receipt::text::read_tape as read_receipt;
use crate::snapshot::{SNAPSHOT_VERSION, state_hash};
use crate::units::{AMOUNT_MAX, PRICE_MAX, QUANTITY_MAX};
use crate::words::*;

/// The members of an event.
pub(crate) struct Fields<'a> {
    pub durable: &'a Durable,
    pub value: &'a Value<'a>,
}

pub(crate) type Read<T> = Result<T, String>;

impl<'a> Fields<'a> {
    pub(crate) fn text(&self, key: &str) -> Read<&'a str> {
        self.value.get(key).and_then(Value::text).ok_or_else(|| format!("{key} is no text"))
    }

    pub(crate) fn owned(&self, key: &str) -> Read<String> {
        self.text(key).map(str::to_owned)
    }

    /// The code of a currency.
    pub(crate) fn currency_code(&self, key: &str) -> Read<String> {
        let code = self.owned(key)?;
        crate::listing::is_currency(&code).then_some(code).ok_or_else(|| format!("{key} is none"))
    }

    pub(crate) fn maybe_owned(&self, key: &str) -> Read<Option<String>> {
        self.value.get(key).map(|_| self.owned(key)).transpose()
    }

    pub(crate) fn integer<T: std::str::FromStr>(&self, key: &str) -> Read<T> {
        self.value.get(key).and_then(Value::integer).ok_or_else(|| format!("{key} is no number"))
    }

    pub(crate) fn flag(&self, key: &str) -> Read<bool> {
        match self.value.get(key) {
            Some(Value::Bool(flag)) => Ok(*flag),
            _ => Err(format!("{key} is neither true nor false")),
        }
    }

    pub(crate) fn word<T>(&self, key: &str, from_word: fn(&str) -> Option<T>) -> Read<T> {
        from_word(self.text(key)?).ok_or_else(|| format!("{key} has an unknown word"))
    }

    /// A whole number within 0 and `most`.
    pub(crate) fn bounded(&self, key: &str, most: i64) -> Read<i64> {
        let number: i64 = self.integer(key)?;
        if (0..=most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("{key} is out of bounds"))
        }
    }

    pub(crate) fn amount(&self, key: &str) -> Read<i64> {
        self.bounded(key, AMOUNT_MAX)
    }

    pub(crate) fn price(&self, key: &str) -> Read<Option<i64>> {
        self.value.get(key).map(|_| self.bounded(key, PRICE_MAX)).transpose()
    }

    pub(crate) fn digest(&self) -> Read<u64> {
        u64::from_str_radix(self.text("digest")?, 16).map_err(|_| "digest is no hex".to_owned())
    }

    pub(crate) fn request(&self) -> Read<Option<RequestId>> {
        match self.maybe_owned("request")? {
            Some(id) => Ok(Some(RequestId { id: id.into(), digest: self.digest()? })),
            None => Ok(None),
        }
    }

    pub(crate) fn account(&self) -> Read<AccountIndex> {
        let id = parse_uuid(self.text("account")?);
        let index = id.and_then(|id| self.durable.account_of.get(&id));
        index.copied().ok_or_else(|| "no such account".to_owned())
    }

    pub(crate) fn symbol(&self) -> Read<InstrumentIndex> {
        let index = self.durable.instrument_of.get(self.text("symbol")?);
        index.copied().ok_or_else(|| "no such instrument".to_owned())
    }

    pub(crate) fn exchange(&self) -> Read<ExchangeIndex> {
        let index = self.durable.exchange_of.get(self.text("exchange")?);
        index.copied().ok_or_else(|| "no such exchange".to_owned())
    }

    pub(crate) fn number(&self, key: &str, kind: IdKind) -> Read<u64> {
        let id = parse_uuid(self.text(key)?);
        let number = id.and_then(|id| number_of(self.durable.prefix, kind, id));
        number.ok_or_else(|| format!("{key} is no id of this world"))
    }

    pub(crate) fn new_order(&self) -> Read<OrderNumber> {
        let number = self.number("order", IdKind::Order)?;
        let expected = number == self.durable.next_order;
        expected.then_some(number).ok_or_else(|| "order is not the next one".to_owned())
    }

    pub(crate) fn open_order(&self) -> Read<&'a Order> {
        let number = self.number("order", IdKind::Order)?;
        self.durable.open_order(number).ok_or_else(|| "order is not open".to_owned())
    }

    /// The event, if it fits the state.
    pub fn event(&self) -> Read<Event> {
        match self.text("e")? {
            "world_created" => self.world_created(),
            "exchange_listed" => self.exchange_listed(),
            "instrument_listed" => self.instrument_listed(),
            "account_opened" => self.account_opened(),
            "deposited" => {
                Ok(Event::Deposited { account: self.account()?, amount: self.amount("amount")? })
            }
            "accepted" => Ok(Event::Accepted {
                order: self.new_order()?,
                terms: self.terms()?,
                digest: self.digest()?,
                hold: self.amount("hold")?,
                passed: self.passed()?,
            }),
            "rejected" => Ok(Event::Rejected {
                order: self.new_order()?,
                terms: self.terms()?,
                digest: self.digest()?,
                reason: self.word("reason", Reason::from_word)?,
                value: self.maybe_owned("value")?,
                limit: self.maybe_owned("limit")?,
            }),
            "triggered" => Ok(Event::Triggered {
                order: self.open_order()?.number,
                price: self.bounded("price", PRICE_MAX)?,
            }),
            "filled" => self.filled(),
            "canceled" => {
                let order = self.open_order()?;
                let (reason, release) =
                    (self.word("reason", Reason::from_word)?, self.release(order)?);
                Ok(Event::Canceled {
                    order: order.number,
                    reason,
                    release,
                    request: self.request()?,
                })
            }
            "expired" => {
                let order = self.open_order()?;
                Ok(Event::Expired { order: order.number, release: self.release(order)? })
            }
            "replaced" => self.replaced(),
            _ => match corporate::text::read(self) {
                Some(event) => event.map(|event| Event::Corporate(Box::new(event))),
                None => self.changed(),
            },
        }
    }

    fn changed(&self) -> Read<Event> {
        match crate::change::text::read(self)? {
            Some(change) => Ok(Event::Changed(change)),
            None => self.time_event(),
        }
    }

    pub(crate) fn release(&self, order: &Order) -> Read<i64> {
        self.bounded("release", order.hold)
    }

    pub(crate) fn terms(&self) -> Read<OrderTerms> {
        let more = self.more()?;
        let is_net = more.as_ref().is_some_and(|more| more.order_class == OrderClass::Mleg);
        Ok(OrderTerms {
            account: self.account()?,
            client_order_id: self.owned("client_order_id")?.into(),
            instrument: self.symbol()?,
            side: self.word("side", Side::from_word)?,
            order_type: self.word("type", OrderType::from_word)?,
            qty: self.integer("qty")?,
            limit_price: self.limit_price(is_net)?,
            stop_price: self.price("stop_price")?,
            time_in_force: self.word("time_in_force", TimeInForce::from_word)?,
            more,
        })
    }

    /// The limit price; a net price may be zero or a credit.
    pub(crate) fn limit_price(&self, is_net: bool) -> Read<Option<i64>> {
        if !is_net || self.value.get("limit_price").is_none() {
            return self.price("limit_price");
        }
        let price: i64 = self.integer("limit_price")?;
        let fits = (-PRICE_MAX..=PRICE_MAX).contains(&price);
        fits.then_some(Some(price)).ok_or_else(|| "limit_price is out of bounds".to_owned())
    }

    fn more(&self) -> Read<Option<Box<MoreTerms>>> {
        match self.value.get("more") {
            Some(more) => Ok(MoreTerms::read(more)?.boxed()),
            None => Ok(None),
        }
    }

    pub(crate) fn filled(&self) -> Read<Event> {
        let order = self.open_order()?;
        let price = self.bounded("price", PRICE_MAX)?;
        let qty = self.bounded("qty", order.leaves())?;
        let fill = Fill {
            number: self.number("fill", IdKind::Fill)?,
            order: order.number,
            account: self.account()?,
            instrument: self.symbol()?,
            side: self.word("side", Side::from_word)?,
            price,
            qty,
            value: i128::from(price) * i128::from(qty),
            notional: self.amount("notional")?,
            fee: self.amount("fee")?,
            release: self.release(order)?,
            cost: self.amount("cost")?,
            realized_pl: self.integer("realized_pl")?,
            liquidity: self.word("liquidity", Liquidity::from_word)?,
            counterparty: self.word("counterparty", Counterparty::from_word)?,
            completes: self.flag("completes")?,
            margined: self.value.get("margined").is_some() && self.flag("margined")?,
            deposit: if self.value.get("deposit").is_some() { self.integer("deposit")? } else { 0 },
            volume_day: match self.value.get("volume_day") {
                None => 0,
                Some(_) => self.integer("volume_day")?,
            },
            receipt: self.receipt()?,
            effects: crate::money::text::read_effects(self.value)?,
        };
        let terms = &order.terms;
        let fits = fill.number == self.durable.next_fill
            && (fill.account, fill.instrument, fill.side)
                == (terms.account, terms.instrument, terms.side)
            && fill.completes == (fill.qty == order.unfilled())
            && fill.realized_pl.unsigned_abs() <= AMOUNT_MAX.unsigned_abs()
            && fill.deposit.unsigned_abs() <= AMOUNT_MAX.unsigned_abs();
        if fits {
            Ok(Event::Filled(fill))
        } else {
            Err("the fill does not fit its order".to_owned())
        }
    }

    fn receipt(&self) -> Read<Option<Box<Receipt>>> {
        let receipt = self.value.get("receipt").map(read_receipt).transpose()?;
        Ok(receipt.map(Box::new))
    }

    pub(crate) fn replaced(&self) -> Read<Event> {
        let order = self.open_order()?;
        let qty = self.bounded("qty", QUANTITY_MAX)?;
        if qty <= order.filled {
            return Err("qty is less than what is filled".to_owned());
        }
        let time_in_force = self.word("time_in_force", TimeInForce::from_word)?;
        let is_auction = |word| matches!(word, TimeInForce::Opg | TimeInForce::Cls);
        let old = order.terms.time_in_force;
        if time_in_force != old && (is_auction(time_in_force) || is_auction(old)) {
            return Err("an order for an auction stays one".to_owned());
        }
        Ok(Event::Replaced(Replaced {
            order: order.number,
            request: self.request()?,
            qty,
            limit_price: self.limit_price(order.terms.is_combo())?,
            stop_price: self.price("stop_price")?,
            time_in_force,
            hold: self.amount("hold")?,
            keeps_priority: self.flag("keeps_priority")?,
            more: self.value.get("more").map(MoreTerms::read).transpose()?.map(Box::new),
            passed: self.checks()?,
        }))
    }

    pub(crate) fn world_created(&self) -> Read<Event> {
        let world = self.owned("world")?;
        if world != self.durable.name || self.durable.created.is_some() {
            return Err("this is the tape of another world".to_owned());
        }
        let seed = self.integer("seed")?;
        let sharing = self.word("sharing", Sharing::from_word)?;
        Ok(Event::WorldCreated(CreateWorld { world, seed, sharing }))
    }

    pub(crate) fn exchange_listed(&self) -> Read<Event> {
        let id = self.owned("exchange")?;
        if self.durable.exchange_of.contains_key(&id) {
            return Err("the exchange is listed already".to_owned());
        }
        let exchange = Exchange {
            id,
            name: self.owned("name")?,
            currency: self.currency_code("currency")?,
            calendar: self.owned("calendar")?,
            fees: match self.value.get("fees") {
                Some(fees) => crate::fees::text::read_kept(fees)?,
                None => self.plain_fees()?,
            },
            profile: match self.value.get("fill_profile") {
                Some(profile) => crate::profile::text::read_kept(profile)?,
                None => self.plain_profile()?,
            },
            rules: self.exchange_rules()?,
        };
        Ok(Event::ExchangeListed { exchange, day_end_ns: self.integer("day_end_ns")? })
    }

    fn plain_fees(&self) -> Read<Fees> {
        Ok(Fees {
            maker_rate: self.amount("maker_rate")?,
            taker_rate: self.amount("taker_rate")?,
            per_share: self.amount("per_share")?,
            minimum: self.amount("minimum")?,
            rules: None,
        })
    }

    fn plain_profile(&self) -> Read<Profile> {
        Ok(Profile {
            name: self.owned("profile")?,
            spread_ticks: self.integer("spread_ticks")?,
            participation: self.amount("participation")?,
            market_orders: self.word("market_orders", MarketOrders::from_word)?,
            rules: None,
        })
    }

    pub(crate) fn instrument_listed(&self) -> Read<Event> {
        let symbol = self.owned("symbol")?;
        let scale = |key| self.bounded(key, 12).map(|scale| scale as u8);
        let terms = Instrument {
            exchange: self.exchange()?,
            name: self.owned("name")?,
            asset_class: self.word("asset_class", AssetClass::from_word)?,
            sector: self.owned("sector")?,
            currency: self.currency_code("currency")?,
            tick_size: self.bounded("tick_size", PRICE_MAX)?,
            lot_size: self.bounded("lot_size", QUANTITY_MAX)?,
            price_scale: scale("price_scale")?,
            qty_scale: scale("qty_scale")?,
            source: self.word("source", Source::from_word)?,
            trigger: self.word("trigger", TriggerSource::from_word)?,
            status: InstrumentStatus::Active,
            contract: contract::text::read_member(self.value)?,
            rules: self.instrument_rules(self.bounded("tick_size", PRICE_MAX)?)?,
            symbol,
        };
        let is_known = self.durable.instrument_of.contains_key(&terms.symbol);
        let is_sound = terms.contract.as_ref().is_none_or(|it| it.is_sound(terms.scales()));
        if is_known || terms.tick_size == 0 || terms.lot_size == 0 || !is_sound {
            return Err("the instrument is listed already, or has wrong terms".to_owned());
        }
        Ok(Event::InstrumentListed(terms))
    }

    pub(crate) fn account_opened(&self) -> Read<Event> {
        let id = parse_uuid(self.text("account")?).ok_or("account is no UUID")?;
        if self.durable.account_of.contains_key(&id) {
            return Err("the account is open already".to_owned());
        }
        Ok(Event::AccountOpened {
            id,
            owner: self.owned("owner")?,
            kind: self.word("account_kind", AccountKind::from_word)?,
            currency: self.currency_code("currency")?,
            request: self.request()?.ok_or("the account has no request")?,
            terms: crate::margin::text::read_terms(self.value)?,
        })
    }

    pub(crate) fn time_event(&self) -> Read<Event> {
        match self.text("e")? {
            "cancel_all_requested" => Ok(Event::CancelAllRequested {
                account: self.account()?,
                below: self.integer("below")?,
                request: self.request()?,
            }),
            "day_ended" => Ok(Event::DayEnded {
                exchange: self.exchange()?,
                below: self.integer("below")?,
                next_ns: self.integer("next_ns")?,
            }),
            "session_changed" => {
                let (session, marks) = self.session_changed()?;
                Ok(Event::SessionChanged { session, marks })
            }
            "halted" | "resumed" | "auction_crossed" | "crossing_moved" | "crossing_ended" => {
                self.session_event().map(|event| Event::Session(Box::new(event)))
            }
            "marked" => self.marked(),
            "received" | "arrived" | "replace_refused" => {
                crate::delay::text::read_event(self, self.text("e")?)
                    .unwrap_or_else(|| Err("no such event".to_owned()))
                    .map(|event| Event::Delay(Box::new(event)))
            }
            "rules_set" => crate::profile::command::read_event(self.durable, self.value)
                .map(|set| Event::RulesSet(Box::new(set))),
            "checkpoint" => self.checkpoint(),
            name => match MoneyEvent::read(name, self)? {
                Some(event) => Ok(Event::Money(Box::new(event))),
                None => self.contract_event().unwrap_or_else(|| self.risk_event()),
            },
        }
    }

    /// The prices of a mark.
    pub(crate) fn mark(&self) -> Read<Mark> {
        Ok(Mark {
            bid: self.price("bid")?,
            ask: self.price("ask")?,
            last: self.price("last")?,
            high: self.price("high")?,
            low: self.price("low")?,
        })
    }

    pub(crate) fn marked(&self) -> Read<Event> {
        let list = self.value.get("marks").and_then(Value::list).ok_or("marks is no list")?;
        let read = |value: &'a Value<'a>| -> Read<(InstrumentIndex, Mark)> {
            let fields = Fields { durable: self.durable, value };
            Ok((fields.symbol()?, fields.mark()?))
        };
        let marks = list.iter().map(read).collect::<Read<Vec<_>>>()?;
        Ok(Event::Marked { marks, new_minute: self.flag("new_minute")? })
    }

    /// A checkpoint must name the state that stands before it, when it was taken with the present
    /// layout of snapshots; the hash of another layout says nothing here.
    pub(crate) fn checkpoint(&self) -> Read<Event> {
        let here = state_hash(self.durable);
        let text: String = here.iter().map(|byte| format!("{byte:02x}")).collect();
        let layout = self.value.get("layout").and_then(Value::integer::<u32>).unwrap_or(1);
        if layout != SNAPSHOT_VERSION || self.text("state_hash")? == text {
            Ok(Event::Checkpoint { state_hash: here })
        } else {
            Err("the state differs from the checkpoint".to_owned())
        }
    }
}
