//! What an order must pass because of the time of day, halts and price bands.

use super::rules::band_around;
use super::{Phase, auction_of, is_extended};
use crate::checks::{Checks, Failure};
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
use crate::market::Market;
use crate::order::OrderTerms;
use crate::reply::Refusal;
use crate::units::Price;
use crate::words::{
    AuctionKind, OrderType, Reason, SessionState, Side, TimeInForce, WhenClosed, refusal,
};

/// Whether an order of this type can be for an auction or for extended hours at all.
pub(crate) fn check_hours(terms: &OrderTerms) -> Result<(), Refusal> {
    let wrong = |field, detail: &str| {
        Err(Refusal::malformed(refusal::INVALID_TIME_IN_FORCE, detail).at(field))
    };
    let kind = terms.order_type;
    if auction_of(terms).is_some() && !matches!(kind, OrderType::Market | OrderType::Limit) {
        return wrong("time_in_force", "opg and cls are for market and limit orders");
    }
    let tif = terms.time_in_force;
    let waits = matches!(tif, TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Gtd);
    if is_extended(terms) && !(kind == OrderType::Limit && waits) {
        return wrong("extended_hours", "extended_hours is for limit orders, day, gtc or gtd");
    }
    match terms.more().when_closed {
        Some(WhenClosed::Wait) if !waits => {
            wrong("when_closed", "ioc and fok never wait, opg and cls always do: leave it out")
        }
        Some(WhenClosed::Refuse) if auction_of(terms).is_some() => {
            wrong("when_closed", "opg and cls wait for their auction: leave it out")
        }
        _ => Ok(()),
    }
}

/// The prices that orders may have, and that trades by market orders may have.
pub(crate) type Band = (Price, Price);

impl Durable {
    /// The price band of an instrument now; `None` where no rule sets one, or no price is known.
    pub(crate) fn band(&self, index: InstrumentIndex, market: &Market) -> Option<Band> {
        let record = self.instrument(index)?;
        let own = record.terms.rules.as_ref().map_or(0, |rules| rules.band);
        let share = match own {
            0 => self.exchange_for(&record.terms)?.terms.rules.as_ref()?.band,
            own => own,
        };
        if share == 0 {
            return None;
        }
        let reference = market.band_reference.or_else(|| self.last_price(index, market))?;
        Some(band_around(reference, share))
    }

    /// The reference price of auctions, and of bands before the first second: the last trade, live
    /// or as recorded, else the price that stands for the instrument.
    pub(crate) fn last_price(&self, index: InstrumentIndex, market: &Market) -> Option<Price> {
        let record = self.instrument(index)?;
        let last = market.quote.last.or(record.mark.last);
        last.or_else(|| market.price(&record.terms)).or_else(|| record.mark.price())
    }
}

/// The worst price that an order may trade at within a band.
pub(crate) const fn band_limit(side: Side, band: Band) -> Price {
    match side {
        Side::Buy => band.1,
        Side::Sell => band.0,
    }
}

impl Checks<'_> {
    /// Whether the order can trade or wait in this part of the day.
    pub fn market_is_open(&self) -> Result<(), Failure> {
        if let Some(auction) = auction_of(self.terms) {
            return self.auction_comes(auction);
        }
        let phase = self.durable.phase(self.terms.instrument);
        let at_once = matches!(self.terms.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let refuses = at_once || self.terms.more().when_closed == Some(WhenClosed::Refuse);
        let is_fine = match phase {
            Phase::Continuous => true,
            Phase::Extended => is_extended(self.terms) || !refuses,
            Phase::Auction(_) | Phase::Closed | Phase::Halted => !refuses,
        };
        if is_fine {
            return Ok(());
        }
        Err(self.closed(phase))
    }

    fn closed(&self, phase: Phase) -> Failure {
        match phase {
            Phase::Halted => {
                let detail = "trading is halted: send an order with time in force day or gtc and \
                              when_closed wait, which waits for the end of the halt";
                Failure::new(Reason::Halted, detail)
            }
            Phase::Auction(_) => {
                let detail = "an auction collects orders: send an order with time in force day or \
                              gtc and when_closed wait, which takes part in it";
                Failure::new(Reason::MarketClosed, detail)
            }
            Phase::Extended => {
                let detail = "only limit orders with extended_hours trade now: others wait for \
                              the opening with time in force day or gtc and when_closed wait";
                Failure::new(Reason::MarketClosed, detail).opening(self.next_open_ns())
            }
            Phase::Closed | Phase::Continuous => {
                let detail = "the exchange is closed: send an order with time in force day or gtc \
                              and when_closed wait, which waits for the opening";
                Failure::new(Reason::MarketClosed, detail).opening(self.next_open_ns())
            }
        }
    }

    fn next_open_ns(&self) -> Option<i64> {
        let instrument = self.instrument()?;
        self.durable.exchange_for(instrument)?.next_open_ns()
    }

    /// Whether an auction of this kind is still to come.
    fn auction_comes(&self, auction: AuctionKind) -> Result<(), Failure> {
        let Some(exchange) = self.instrument().and_then(|it| self.durable.exchange_for(it)) else {
            return Ok(());
        };
        if !exchange.has_sessions {
            let detail = "this exchange is always open and holds no auctions: use day or gtc";
            return Err(Failure::new(Reason::NoAuction, detail).at("time_in_force"));
        }
        let is_over = match exchange.state {
            SessionState::Open => true,
            SessionState::Auction => exchange.session.auction != Some(AuctionKind::Open),
            _ => false,
        };
        if auction != AuctionKind::Open || !is_over {
            return Ok(());
        }
        let detail = "the opening auction is over: send it after the close, or use day or cls";
        let failure = Failure::new(Reason::AuctionOver, detail).at("time_in_force");
        Err(failure.opening(Some(exchange.session.next_open_ns)))
    }

    /// Whether the limit price lies within the price band.
    pub fn within_band(&self) -> Result<(), Failure> {
        let (Some(limit), Some(market)) =
            (self.terms.limit_price, self.ephemeral.market(self.terms.instrument))
        else {
            return Ok(());
        };
        within_band(self.durable, market, self.terms, limit)
    }
}

/// Whether a limit price lies within the price band of its instrument.
pub(crate) fn within_band(
    durable: &Durable,
    market: &Market,
    terms: &OrderTerms,
    limit: Price,
) -> Result<(), Failure> {
    let Some((low, high)) = durable.band(terms.instrument, market) else {
        return Ok(());
    };
    let Some(record) = durable.instrument(terms.instrument).filter(|_| limit < low || limit > high)
    else {
        return Ok(());
    };
    let show = |price| record.terms.format_price(price);
    let detail = format!("the limit_price must lie between {} and {}", show(low), show(high));
    let bound = if limit < low { low } else { high };
    let failure = Failure::new(Reason::OutsidePriceBand, detail).at("limit_price");
    Err(failure.compare(show(limit), show(bound)))
}
