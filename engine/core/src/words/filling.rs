//! Fill profiles, receipts and fees, as words.

words! {
/// Where the depth comes from that orders trade with.
DepthModel {
    /// What the market shows.
    Displayed = "displayed",
    /// A share (`participation`) of what was traded lately stands at the touch.
    Volume = "volume",
    /// The touch takes any size.
    Unlimited = "unlimited",
}
}

words! {
/// How the price of an aggressive fill moves away from its order.
SlippageModel {
    /// Not at all.
    None = "none",
    /// By some ticks.
    Ticks = "ticks",
    /// By a share of the price.
    Bps = "bps",
    /// By the square of the order's share of the volume, times a coefficient.
    VolumeShare = "volume_share",
    /// By volatility times the root of the order's share of a day's volume.
    SquareRoot = "square_root",
    /// By the model that Almgren, Thum, Hauptmann and Li fitted in 2005.
    Almgren2005 = "almgren_2005",
}
}

words! {
/// How a latency is drawn.
LatencyModel {
    /// There is none.
    None = "none",
    /// Always the mean.
    Constant = "constant",
    /// Normal.
    Normal = "normal",
    /// Log-normal.
    LogNormal = "log_normal",
}
}

words! {
/// When a resting order trades with prints of the street.
QueueModel {
    /// A print at its price is enough.
    Touch = "touch",
    /// A print must go beyond its price.
    TradeThrough = "trade_through",
    /// Prints at its price fill it after what stood before it.
    VolumeAhead = "volume_ahead",
}
}

words! {
/// The path inside a bar.
PathModel {
    /// Open, the nearer extreme, the other, close.
    NearerFirst = "nearer_first",
    /// Open, high, low, close.
    HighFirst = "high_first",
    /// Open, low, high, close.
    LowFirst = "low_first",
    /// First the extreme that fires stop orders.
    StopsFirst = "stops_first",
}
}

words! {
/// Where a stop order fills that the bar opens beyond.
GapModel {
    /// At the open.
    Open = "open",
    /// At the worst price of the bar.
    Worst = "worst",
}
}

words! {
/// A part of the trading session.
Phase {
    /// The first half hour.
    Opening = "opening",
    /// The last half hour.
    Closing = "closing",
    /// All other time.
    Regular = "regular",
}
}

words! {
/// The condition of the market.
Condition {
    /// As usual.
    Calm = "calm",
    /// The spread, or the range of the bars, is more than twice the usual.
    Stressed = "stressed",
}
}

words! {
/// How the two sides of a fill met.
#[derive(Default)]
How {
    /// The order took what stood in the book.
    #[default]
    Crossed = "crossed",
    /// The order rested and another order came.
    Rested = "rested",
    /// The street came to cross the resting order.
    StreetCame = "street_came",
    /// A print went beyond the limit of the resting order.
    TradedThrough = "traded_through",
    /// Prints at the limit used up the queue before the resting order.
    QueueServed = "queue_served",
    /// A print at the limit itself was enough.
    Touched = "touched",
    /// At the open of a bar.
    BarOpen = "bar_open",
    /// On the path of a bar.
    BarPath = "bar_path",
    /// The stop price was reached on the path of a bar.
    StopFired = "stop_fired",
    /// The bar opened beyond the stop price.
    StopGap = "stop_gap",
    /// In a call auction.
    Auction = "auction",
    /// The position was closed by force.
    Liquidated = "liquidated",
    /// All legs of a multi-leg order took what stood in their books.
    MultiLeg = "multi_leg",
}
}

words! {
/// What a part of a fee is for.
FeeKind {
    /// For giving liquidity.
    Maker = "maker",
    /// For taking liquidity.
    Taker = "taker",
    /// An amount for each share.
    PerShare = "per_share",
    /// An amount for each contract.
    PerContract = "per_contract",
    /// What lifts the commission to its minimum.
    Minimum = "minimum",
    /// What lowers the commission to its cap.
    Cap = "cap",
    /// An amount for each order.
    Fixed = "fixed",
    /// A regulator's share of what was sold.
    Regulatory = "regulatory",
    /// A regulator's amount for each share sold.
    Activity = "activity",
}
}
