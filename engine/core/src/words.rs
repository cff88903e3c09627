//! The vocabulary of the wire: every word that a client or the tape may see, and only those.

/// Declares an enum whose members have one word each on the wire.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$doc:meta])* $member:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $member),+ }

        impl $name {
            /// Every member, in the order of their declaration (which snapshots rely on).
            pub const ALL: &'static [$name] = &[$($name::$member),+];

            /// The word on the wire.
            pub const fn word(self) -> &'static str {
                match self { $($name::$member => $word),+ }
            }

            /// The member that this word names.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$member),)+ _ => None }
            }
        }
    };
}

mod filling;
mod listing;
mod risk;

pub use filling::{
    Condition, DepthModel, FeeKind, GapModel, How, LatencyModel, PathModel, Phase, QueueModel,
    SlippageModel,
};
pub use listing::{
    AccountKind, AccountStatus, AssetClass, ContractWork, CostMethod, Delivery, InstrumentStatus,
    Right, Style,
};
pub use risk::{Clean, Forced, Measure, RiskAction, RiskCheck, RiskLevel, SetBy};

words! {
/// The side of an order or of the aggressor of a trade.
Side {
    /// Buys.
    Buy = "buy",
    /// Sells.
    Sell = "sell",
}
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// 0 for buy, 1 for sell: an index into pairs.
    pub const fn index(self) -> usize {
        self as usize
    }
}

words! {
/// What an order asks for.
OrderType {
    /// Fills at what the book offers.
    Market = "market",
    /// Fills at its price or better.
    Limit = "limit",
    /// Becomes a market order when its stop price is reached.
    Stop = "stop",
    /// Becomes a limit order when its stop price is reached.
    StopLimit = "stop_limit",
    /// A stop order whose stop price follows the market at a distance.
    TrailingStop = "trailing_stop",
    /// Becomes a market order when the market comes to its price from the better side.
    MarketIfTouched = "market_if_touched",
    /// Becomes a limit order when the market comes to its price from the better side.
    LimitIfTouched = "limit_if_touched",
}
}

impl OrderType {
    /// Whether the order carries a limit price.
    pub const fn has_limit(self) -> bool {
        matches!(self, OrderType::Limit | OrderType::StopLimit | OrderType::LimitIfTouched)
    }

    /// Whether the client gives the order a stop price.
    pub const fn has_stop(self) -> bool {
        self.is_triggered() && !matches!(self, OrderType::TrailingStop)
    }

    /// Whether the order waits until a price is reached.
    pub const fn is_triggered(self) -> bool {
        !matches!(self, OrderType::Market | OrderType::Limit)
    }

    /// Whether it is reached by a price that gets better for it.
    pub const fn is_touched(self) -> bool {
        matches!(self, OrderType::MarketIfTouched | OrderType::LimitIfTouched)
    }
}

words! {
/// How long an order lives.
TimeInForce {
    /// Until the end of the exchange's day.
    Day = "day",
    /// Until it is canceled.
    Gtc = "gtc",
    /// Fills what it can at once; the rest is canceled.
    Ioc = "ioc",
    /// Fills completely at once, or is rejected.
    Fok = "fok",
    /// Trades in the next opening auction only.
    Opg = "opg",
    /// Trades in the next closing auction only.
    Cls = "cls",
    /// Until a date.
    Gtd = "gtd",
}
}

words! {
/// Where an order stands (FIX and Alpaca terms).
Status {
    /// Received, not yet at the book (delayed commands).
    PendingNew = "pending_new",
    /// Open, nothing filled.
    New = "new",
    /// Open, partly filled.
    PartiallyFilled = "partially_filled",
    /// Completely filled.
    Filled = "filled",
    /// Canceled; `reason` says why.
    Canceled = "canceled",
    /// Its time in force ended.
    Expired = "expired",
    /// Replaced by another order (Alpaca dialect).
    Replaced = "replaced",
    /// Refused by a check; `reason` says which.
    Rejected = "rejected",
    /// Waits for its parent.
    Held = "held",
    /// Done for this session.
    DoneForDay = "done_for_day",
}
}

impl Status {
    /// Whether the order can still fill.
    pub const fn is_open(self) -> bool {
        matches!(self, Status::PendingNew | Status::New | Status::PartiallyFilled | Status::Held)
    }
}

words! {
/// Why a well-formed order was refused, or why an order was canceled.
Reason {
    /// The account may not trade.
    AccountNotActive = "account_not_active",
    /// The instrument does not trade.
    InstrumentNotActive = "instrument_not_active",
    /// The exchange is closed and the order cannot wait.
    MarketClosed = "market_closed",
    /// The quantity is not a multiple of the lot size.
    InvalidLot = "invalid_lot",
    /// A price is not a multiple of the tick size.
    InvalidTick = "invalid_tick",
    /// The order's value or quantity is beyond the engine's bounds.
    OrderTooLarge = "order_too_large",
    /// There was never a price for this instrument.
    NoReferencePrice = "no_reference_price",
    /// A fill-or-kill order cannot fill completely now.
    WouldNotFill = "would_not_fill",
    /// Sells more than is held and not yet promised to other sells.
    InsufficientQuantity = "insufficient_quantity",
    /// Costs more than the account can pay.
    InsufficientBuyingPower = "insufficient_buying_power",
    /// The instrument may not be sold short.
    NotShortable = "not_shortable",
    /// There is not so much of the instrument to borrow.
    BorrowUnavailable = "borrow_unavailable",
    /// The position has no such lot, or the account keeps none.
    UnknownLot = "unknown_lot",
    /// Canceled by its owner.
    Requested = "requested",
    /// The rest of an immediate-or-cancel order.
    IocRemainder = "ioc_remainder",
    /// There was nothing to fill against.
    NoLiquidity = "no_liquidity",
    /// Its time in force ended.
    Expired = "expired",
    /// A corporate action left nothing of it.
    CorporateAction = "corporate_action",
    /// Its instrument trades no more.
    Delisted = "delisted",
    /// A kill switch is on.
    KillSwitch = "kill_switch",
    /// The account came to its daily loss; it only closes.
    DailyLossStop = "daily_loss_stop",
    /// The account came to its drawdown; it only closes.
    DrawdownStop = "drawdown_stop",
    /// Nobody may open positions in the instrument.
    Restricted = "restricted",
    /// The account may not sell short.
    ShortNotPermitted = "short_not_permitted",
    /// The order is larger than one order may be.
    OrderSizeLimit = "order_size_limit",
    /// Too many orders in the time that the policy counts.
    OrderRateLimit = "order_rate_limit",
    /// Too many open orders.
    OpenOrdersLimit = "open_orders_limit",
    /// The price lies too far on the aggressive side of the market.
    PriceCollar = "price_collar",
    /// The position would be larger than allowed.
    PositionLimit = "position_limit",
    /// The position would be too large a share of the capital.
    CapitalShareLimit = "capital_share_limit",
    /// The position would be too large a share of the equity.
    ConcentrationLimit = "concentration_limit",
    /// All positions together would be too large a multiple of the equity.
    LeverageLimit = "leverage_limit",
    /// It could trade with another order of the same user.
    WashTrade = "wash_trade",
    /// One day trade too many for an account of this equity.
    DayTradeLimit = "day_trade_limit",
    /// The account's equity is below its maintenance requirement.
    Liquidation = "liquidation",
    /// The instrument or its exchange is halted and the order cannot wait.
    Halted = "halted",
    /// A price lies outside the price band.
    OutsidePriceBand = "outside_price_band",
    /// The exchange is always open and holds no auctions.
    NoAuction = "no_auction",
    /// The auction that the order was for is over.
    AuctionOver = "auction_over",
    /// A post-only order would trade at once.
    WouldTakeLiquidity = "would_take_liquidity",
    /// A reduce-only order would open, grow or turn a position.
    WouldNotReduce = "would_not_reduce",
    /// The amount of money does not buy one lot.
    NotionalTooSmall = "notional_too_small",
    /// It would have traded with an order of the same owner.
    SelfTrade = "self_trade",
    /// The order that it belongs to closed without filling more.
    ParentClosed = "parent_closed",
    /// The other order of its group filled.
    SiblingFilled = "sibling_filled",
    /// The other order of its group closed.
    SiblingClosed = "sibling_closed",
    /// An order that says that it opens would close, or the other way round.
    PositionIntentMismatch = "position_intent_mismatch",
}
}

words! {
/// The one outside source of an instrument's liquidity.
Source {
    /// Quotes, depth, prints and bars of the reference market.
    Street = "street",
    /// House bots that trade in the same book by the same rules.
    Agents = "agents",
}
}

words! {
/// What fires the stop orders of an instrument.
TriggerSource {
    /// Buys at the ask, sells at the bid; prints and the path of bars count too.
    BidAsk = "bid_ask",
    /// Prints and the path of bars only.
    Last = "last",
    /// The middle between bid and ask, and the path of bars.
    Mid = "mid",
}
}

words! {
/// Which group an order begins.
OrderClass {
    /// None: it stands alone.
    Simple = "simple",
    /// An entry with a take-profit and a stop-loss that cancel each other.
    Bracket = "bracket",
    /// A take-profit and a stop-loss that cancel each other.
    Oco = "oco",
    /// An entry with one order that follows it.
    Oto = "oto",
    /// Several legs that fill together or not at all.
    Mleg = "mleg",
}
}

words! {
/// What a held order waits for.
Held {
    /// For its parent to fill; it grows with it.
    Parent = "parent",
    /// For all legs of its group to fill together.
    Group = "group",
}
}

words! {
/// What happens when an incoming order would trade with a resting one of the same owner.
SelfTrade {
    /// They trade.
    None = "none",
    /// The incoming order is canceled.
    CancelNewest = "cancel_newest",
    /// The resting order is canceled.
    CancelOldest = "cancel_oldest",
    /// Both lose the smaller of their quantities.
    Decrement = "decrement",
}
}

words! {
/// What an order says that it does to the position.
PositionIntent {
    /// Opens or enlarges a long one.
    BuyToOpen = "buy_to_open",
    /// Closes a short one, or a part of it.
    BuyToClose = "buy_to_close",
    /// Opens or enlarges a short one.
    SellToOpen = "sell_to_open",
    /// Closes a long one, or a part of it.
    SellToClose = "sell_to_close",
}
}

impl PositionIntent {
    /// The intent of a side.
    pub const fn of(side: Side, closes: bool) -> PositionIntent {
        match (side, closes) {
            (Side::Buy, false) => PositionIntent::BuyToOpen,
            (Side::Buy, true) => PositionIntent::BuyToClose,
            (Side::Sell, false) => PositionIntent::SellToOpen,
            (Side::Sell, true) => PositionIntent::SellToClose,
        }
    }

    /// Whether it closes.
    pub const fn closes(self) -> bool {
        matches!(self, PositionIntent::BuyToClose | PositionIntent::SellToClose)
    }
}

words! {
/// What happens to an order that cannot trade in this part of the day.
WhenClosed {
    /// It waits for the opening.
    Wait = "wait",
    /// It is rejected.
    Refuse = "refuse",
}
}

words! {
/// Where market orders fill when the market comes as bars.
MarketOrders {
    /// At once, against a street that stands around the last close.
    Street = "street",
    /// At the open of the next bar.
    NextBar = "next_bar",
}
}

words! {
/// Whether users of a world trade with each other.
Sharing {
    /// They do.
    Shared = "shared",
    /// Each account meets the outside market alone.
    Isolated = "isolated",
}
}

words! {
/// Whether the fill took liquidity or gave it.
Liquidity {
    /// Rested in the book.
    Maker = "maker",
    /// Met a resting order.
    Taker = "taker",
}
}

words! {
/// Who stood on the other side of a fill.
Counterparty {
    /// The street or a house bot.
    House = "house",
    /// Another user.
    User = "user",
}
}

words! {
/// Which part of its day an exchange is in.
SessionState {
    /// Regular hours: matches all orders.
    Open = "open",
    /// Takes orders that wait; matches nothing.
    Closed = "closed",
    /// Before the regular hours: matches orders for extended hours only.
    PreMarket = "pre_market",
    /// After the regular hours: matches orders for extended hours only.
    PostMarket = "post_market",
    /// Collects orders for one price; matches nothing until it is left.
    Auction = "auction",
}
}

words! {
/// What a call auction is for.
AuctionKind {
    /// Opens the regular hours; opg orders fill only here.
    Open = "open",
    /// Closes the regular hours; cls orders fill only here.
    Close = "close",
    /// Ends a halt.
    Halt = "halt",
}
}

words! {
/// Kind of a ledger line.
LedgerKind {
    /// Money put into the account.
    Deposit = "deposit",
    /// What a fill moved.
    Trade = "trade",
    /// What the exchange took for it.
    Fee = "fee",
    /// Profit or loss of a margined contract: of a fill that closed, or of a settlement.
    Variation = "variation",
    /// A dividend, paid to a long or debited to a short position.
    Dividend = "dividend",
    /// What a split, or a delisting, moved.
    CorporateAction = "corporate_action",
    /// What the long ones pay to the short ones of a perpetual, or the other way round.
    Funding = "funding",
    /// A contract that ended.
    Expiry = "expiry",
    /// An option that was exercised.
    Exercise = "exercise",
    /// An exercised option that fell to somebody who was short.
    Assignment = "assignment",
    /// Money taken out of the account.
    Withdrawal = "withdrawal",
    /// Money that came from or went to another account or world.
    Transfer = "transfer",
    /// Money of one currency that became money of another.
    Conversion = "conversion",
    /// Interest on borrowed cash.
    Interest = "interest",
    /// The fee on borrowed stock.
    BorrowFee = "borrow_fee",
    /// A trade that was taken back.
    Correction = "correction",
    /// What an account had when it was reset.
    Reset = "reset",
}
}

impl LedgerKind {
    /// Whether it is money that its owner put in or took out, which is neither profit nor loss.
    pub const fn is_from_outside(self) -> bool {
        matches!(
            self,
            LedgerKind::Deposit | LedgerKind::Withdrawal | LedgerKind::Transfer | LedgerKind::Reset
        )
    }
}

/// Declares reasons as constants, and the list of all of them.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        $($(#[$doc])* pub const $name: &str = $word;)+

        /// All of them but `INTERNAL_ERROR`, which only a fault of the engine is answered with.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

/// What is wrong with a request that was not understood, or that names what is not there.
pub mod refusal {
    refusals! {
        /// The text is not a command.
        MALFORMED = "malformed",
        /// No such instrument in this world.
        UNKNOWN_SYMBOL = "unknown_symbol",
        /// More decimals than the scale of the value has.
        TOO_MANY_DECIMALS = "too_many_decimals",
        /// Not a positive quantity.
        INVALID_QUANTITY = "invalid_quantity",
        /// This type of order cannot live that long, or not in extended hours.
        INVALID_TIME_IN_FORCE = "invalid_time_in_force",
        /// Not a positive price.
        INVALID_PRICE = "invalid_price",
        /// Terms that do not go together.
        INVALID_TERMS = "invalid_terms",
        /// This type of order needs the price.
        MISSING_PRICE = "missing_price",
        /// This type of order has no such price.
        UNEXPECTED_PRICE = "unexpected_price",
        /// No such account or order of this account.
        NOT_FOUND = "not_found",
        /// The request id was used for another request.
        ID_REUSED = "id_reused",
        /// The order is closed.
        NOT_CANCELABLE = "not_cancelable",
        /// The order is closed, or cannot become what was asked.
        NOT_REPLACEABLE = "not_replaceable",
        /// What is to be changed was changed meanwhile.
        VERSION_CHANGED = "version_changed",
        /// Only an admin may do this.
        NOT_PERMITTED = "not_permitted",
    }

    /// The event would break the record; nothing was changed.
    pub const INTERNAL_ERROR: &str = "internal_error";
}
