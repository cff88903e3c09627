//! The orders that a world keeps: found by number, and linked into lists in the order of their
//! numbers.
//!
//! An open order never moves, lists link places, so taking, finding, closing and forgetting an
//! order cost the same with a thousand and with a million others. Memory follows the orders that
//! are kept, not those that ever were; one that closed is packed when its turn is over.

use std::collections::BTreeMap;

use crate::ids::OrderNumber;
use crate::order::Order;
use crate::packed::Packed;
use crate::paged::{NONE, Paged, Slab};
use crate::units::Nanos;

/// Where an open order is kept, or one that closed in the turn at work.
pub(crate) type Place = u32;

/// Marks the place of an order that is packed.
const PACKED: Place = 1 << 31;

/// An order that is kept, as it stands or as it was packed.
#[derive(Debug)]
pub enum Kept<'a> {
    /// As it stands.
    Whole(&'a Order),
    /// Unpacked to be read.
    Unpacked(Box<Order>),
}

impl std::ops::Deref for Kept<'_> {
    type Target = Order;

    fn deref(&self) -> &Order {
        match self {
            Kept::Whole(order) => order,
            Kept::Unpacked(order) => order,
        }
    }
}

const SHEET_BITS: u32 = 8;
const SHEET: usize = 1 << SHEET_BITS;
/// Marks an order that is in no list of a chain.
const OUTSIDE: u32 = NONE - 1;

/// The places of the orders with 256 consecutive numbers.
#[derive(Clone, Debug)]
struct Sheet {
    used: u32,
    places: [Place; SHEET],
}

const BLANK: Sheet = Sheet { used: 0, places: [NONE; SHEET] };

/// The sheets by their number: those that follow each other in a row, which trades numbers for
/// places at once, and strays (an old order far behind, a number nobody gave) in a tree.
#[derive(Clone, Debug, Default)]
struct Sheets {
    first: u64,
    row: Vec<Option<Box<Sheet>>>,
    strays: BTreeMap<u64, Box<Sheet>>,
}

/// The row may have this many empty entries at a stretch, before its end and at its beginning.
const GAP_MAX: usize = 4_096;

impl Sheets {
    #[inline]
    fn get(&self, number: u64) -> Option<&Sheet> {
        let at = number.wrapping_sub(self.first) as usize;
        match self.row.get(at) {
            Some(sheet) => sheet.as_deref(),
            None if self.strays.is_empty() => None,
            None => self.strays.get(&number).map(|sheet| &**sheet),
        }
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Sheet> {
        let at = number.wrapping_sub(self.first) as usize;
        match self.row.get_mut(at) {
            Some(sheet) => sheet.as_deref_mut(),
            None => self.strays.get_mut(&number).map(|sheet| &mut **sheet),
        }
    }

    fn get_or_add(&mut self, number: u64) -> &mut Sheet {
        if self.row.is_empty() {
            self.first = number;
        }
        let at = number.wrapping_sub(self.first) as usize;
        if at >= self.row.len().saturating_add(GAP_MAX) {
            return self.strays.entry(number).or_insert_with(|| Box::new(BLANK));
        }
        while self.row.len() <= at {
            // A stray whose turn in the row has come moves there.
            let next = self.first + self.row.len() as u64;
            self.row.push(self.strays.remove(&next));
        }
        self.row[at].get_or_insert_with(|| Box::new(BLANK))
    }

    /// Drops an empty sheet, and the beginning of the row when much of it is empty.
    fn drop_empty(&mut self, number: u64) {
        let at = number.wrapping_sub(self.first) as usize;
        match self.row.get_mut(at) {
            Some(sheet) => *sheet = None,
            None => drop(self.strays.remove(&number)),
        }
        // Looked at once for many sheets, so that the row is moved rarely.
        if number % GAP_MAX as u64 == 0 || self.row.len() < 8 {
            let empty = self.row.iter().take_while(|sheet| sheet.is_none()).count();
            self.row.drain(..empty);
            self.first += empty as u64;
        }
    }

    /// All sheets by rising number, with the first number that each is for.
    fn iter(&self) -> impl Iterator<Item = (&Sheet, OrderNumber)> {
        let before = self.strays.range(..self.first).map(|(number, sheet)| (*number, sheet));
        let behind = self.strays.range(self.first..).map(|(number, sheet)| (*number, sheet));
        let row = (self.first..).zip(&self.row);
        let row = row.filter_map(|(number, sheet)| Some((number, sheet.as_ref()?)));
        before.chain(row).chain(behind).map(|(number, sheet)| (&**sheet, number << SHEET_BITS))
    }
}

/// The neighbours of an order in one chain.
#[derive(Clone, Copy, Debug)]
struct Link {
    previous: Place,
    next: Place,
}

const UNLINKED: Link = Link { previous: OUTSIDE, next: OUTSIDE };

/// Which lists an order can be in; at most one of each.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chain {
    /// Open orders of an account.
    Account = 0,
    /// Open DAY orders of an exchange.
    Day = 1,
}

/// A list of orders by rising number; its links are kept with the orders.
#[derive(Clone, Copy, Debug)]
pub struct OrderList {
    first: Place,
    last: Place,
    length: usize,
}

impl Default for OrderList {
    fn default() -> OrderList {
        OrderList { first: NONE, last: NONE, length: 0 }
    }
}

/// Lists are derived from the orders, and places differ from world to world.
impl PartialEq for OrderList {
    fn eq(&self, other: &OrderList) -> bool {
        self.length == other.length
    }
}

impl Eq for OrderList {}

impl OrderList {
    /// How many orders it has.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// The orders of a world.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    orders: Slab<Order>,
    links: Paged<[Link; 2]>,
    sheets: Sheets,
    packed: Slab<Packed>,
    /// Those that closed and are to be packed.
    closed: Vec<OrderNumber>,
}

impl PartialEq for Orders {
    fn eq(&self, other: &Orders) -> bool {
        let pairs = || self.iter().zip(other.iter());
        self.len() == other.len() && pairs().all(|(one, two)| *one == *two)
    }
}

impl Eq for Orders {}

impl Orders {
    /// How many orders are kept.
    pub fn len(&self) -> usize {
        self.orders.len() + self.packed.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn entry(&self, number: OrderNumber) -> Place {
        let sheet = self.sheets.get(number >> SHEET_BITS);
        sheet.map_or(NONE, |sheet| sheet.places[number as usize % SHEET])
    }

    /// Where an order is kept whole.
    #[inline]
    pub(crate) fn place(&self, number: OrderNumber) -> Option<Place> {
        Some(self.entry(number)).filter(|place| place & PACKED == 0)
    }

    /// The order at a place.
    #[inline]
    pub(crate) fn at(&self, place: Place) -> Option<&Order> {
        self.orders.get(place)
    }

    /// The order at a place, to change it.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: Place) -> Option<&mut Order> {
        self.orders.get_mut(place)
    }

    /// The order with this number that is kept whole, as every open one is.
    #[inline]
    pub fn get(&self, number: OrderNumber) -> Option<&Order> {
        self.orders.get(self.place(number)?)
    }

    /// The order with this number.
    pub fn find(&self, number: OrderNumber) -> Option<Kept<'_>> {
        self.kept(number, self.entry(number))
    }

    fn kept(&self, number: OrderNumber, place: Place) -> Option<Kept<'_>> {
        if place & PACKED == 0 {
            return self.orders.get(place).map(Kept::Whole);
        }
        self.packed.get(place & !PACKED).map(|packed| Kept::Unpacked(packed.open(number)))
    }

    /// When the order with this number was taken.
    #[inline]
    pub(crate) fn created_ns(&self, number: OrderNumber) -> Option<Nanos> {
        let place = self.entry(number);
        if place & PACKED == 0 {
            return self.orders.get(place).map(|order| order.created_ns);
        }
        self.packed.get(place & !PACKED).map(Packed::created_ns)
    }

    /// The order with this number, to change it; a packed one is whole again until its turn is
    /// over.
    #[inline]
    pub(crate) fn get_mut(&mut self, number: OrderNumber) -> Option<&mut Order> {
        let place = match self.place(number) {
            Some(place) => place,
            None => self.unpack(number)?,
        };
        self.orders.get_mut(place)
    }

    /// Notes that an order closed; it is packed when the turn is over.
    #[inline]
    pub(crate) fn close(&mut self, number: OrderNumber) {
        self.closed.push(number);
    }

    /// Packs the orders that closed in the turn before.
    #[inline]
    pub(crate) fn pack(&mut self) {
        while let Some(number) = self.closed.pop() {
            self.pack_one(number);
        }
    }

    fn pack_one(&mut self, number: OrderNumber) {
        let Some(place) = self.place(number) else {
            return;
        };
        let Some(order) = self.orders.get(place).filter(|order| !order.is_open()) else {
            return;
        };
        let packed = self.packed.insert(Packed::new(order));
        self.orders.free(place);
        self.put_place(number, packed | PACKED);
    }

    /// Makes a packed order whole again.
    fn unpack(&mut self, number: OrderNumber) -> Option<Place> {
        let packed = self.packed.remove(self.entry(number) & !PACKED)?;
        let place = self.seat(*packed.open(number));
        self.put_place(number, place);
        self.closed.push(number);
        Some(place)
    }

    /// Gives an order a place, in no list.
    fn seat(&mut self, order: Order) -> Place {
        let place = self.orders.insert(order);
        match self.links.get_mut(place) {
            Some(links) => *links = [UNLINKED; 2],
            None => drop(self.links.push([UNLINKED; 2])),
        }
        place
    }

    fn put_place(&mut self, number: OrderNumber, place: Place) {
        if let Some(sheet) = self.sheets.get_mut(number >> SHEET_BITS) {
            sheet.places[number as usize % SHEET] = place;
        }
    }

    /// Keeps an order in the place of any other with its number.
    pub(crate) fn insert(&mut self, order: Order) -> Place {
        let number = order.number;
        if self.entry(number) != NONE {
            self.forget(number);
        }
        if !order.is_open() {
            self.closed.push(number);
        }
        let place = self.seat(order);
        let sheet = self.sheets.get_or_add(number >> SHEET_BITS);
        sheet.places[number as usize % SHEET] = place;
        sheet.used += 1;
        place
    }

    /// Forgets an order; the caller has taken it out of all lists.
    pub(crate) fn forget(&mut self, number: OrderNumber) {
        let place = self.entry(number);
        let was_kept = if place & PACKED == 0 {
            self.orders.free(place)
        } else {
            self.packed.free(place & !PACKED)
        };
        let Some(sheet) = self.sheets.get_mut(number >> SHEET_BITS).filter(|_| was_kept) else {
            return;
        };
        sheet.places[number as usize % SHEET] = NONE;
        sheet.used -= 1;
        if sheet.used == 0 {
            self.sheets.drop_empty(number >> SHEET_BITS);
        }
    }

    /// All orders by rising number.
    pub fn iter(&self) -> impl Iterator<Item = Kept<'_>> {
        let places = self.sheets.iter().flat_map(|(sheet, first)| {
            sheet.places.iter().zip(0..).map(move |(place, at)| (first | at, *place))
        });
        places.filter_map(|(number, place)| self.kept(number, place))
    }

    /// The open orders by rising number.
    pub fn open(&self) -> impl Iterator<Item = &Order> {
        let places = self.sheets.iter().flat_map(|(sheet, _)| &sheet.places);
        let whole = places.filter(|place| **place & PACKED == 0);
        whole.filter_map(|place| self.orders.get(*place)).filter(|order| order.is_open())
    }

    /// The orders of a list by rising number.
    pub(crate) fn of(&self, list: OrderList, chain: Chain) -> impl Iterator<Item = &Order> {
        let mut place = list.first;
        std::iter::from_fn(move || {
            let order = self.orders.get(place)?;
            place = self.link(place, chain).next;
            Some(order)
        })
    }

    /// The order of a list with the smallest number.
    pub(crate) fn first(&self, list: &OrderList) -> Option<&Order> {
        self.orders.get(list.first)
    }

    /// Whether the order at a place is in a list of this chain.
    pub(crate) fn is_listed(&self, place: Place, chain: Chain) -> bool {
        self.link(place, chain).next != OUTSIDE
    }

    fn link(&self, place: Place, chain: Chain) -> Link {
        self.links.get(place).map_or(UNLINKED, |links| links[chain as usize])
    }

    fn link_mut(&mut self, place: Place, chain: Chain) -> Option<&mut Link> {
        self.links.get_mut(place).map(|links| &mut links[chain as usize])
    }

    /// Puts the order at a place into a list, behind all smaller numbers; one that is in a list
    /// of this chain stays there.
    pub(crate) fn enlist(&mut self, list: &mut OrderList, chain: Chain, place: Place) {
        let Some(number) = self.orders.get(place).map(|order| order.number) else {
            return;
        };
        if self.link(place, chain).next != OUTSIDE {
            return;
        }
        // Numbers rise, so the last one is smaller but for an order that became a DAY order late.
        let mut previous = list.last;
        while self.orders.get(previous).is_some_and(|order| order.number > number) {
            previous = self.link(previous, chain).previous;
        }
        let next = match self.link_mut(previous, chain) {
            Some(link) => std::mem::replace(&mut link.next, place),
            None => std::mem::replace(&mut list.first, place),
        };
        match self.link_mut(next, chain) {
            Some(link) => link.previous = place,
            None => list.last = place,
        }
        if let Some(link) = self.link_mut(place, chain) {
            *link = Link { previous, next };
        }
        list.length += 1;
    }

    /// Puts the newest of all orders, which is in no list yet, at the end of a list.
    pub(crate) fn append(&mut self, list: &mut OrderList, chain: Chain, place: Place) {
        match self.link_mut(list.last, chain) {
            Some(link) => link.next = place,
            None => list.first = place,
        }
        if let Some(link) = self.link_mut(place, chain) {
            *link = Link { previous: list.last, next: NONE };
        }
        list.last = place;
        list.length += 1;
    }

    /// Takes the order at a place out of its list; one that is in none stays.
    pub(crate) fn delist(&mut self, list: &mut OrderList, chain: Chain, place: Place) {
        let Some(link) = self.link_mut(place, chain).filter(|link| link.next != OUTSIDE) else {
            return;
        };
        let Link { previous, next } = std::mem::replace(link, UNLINKED);
        match self.link_mut(previous, chain) {
            Some(link) => link.next = next,
            None => list.first = next,
        }
        match self.link_mut(next, chain) {
            Some(link) => link.previous = previous,
            None => list.last = previous,
        }
        list.length -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::order::test_order;
    use crate::words::Status;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        Remove(usize),
        Enlist(usize),
        Delist(usize),
        Close(usize),
        Change(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => prop_oneof![1_u64..1_500, 0_u64..4_000_000].prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Remove),
            2 => any::<usize>().prop_map(Step::Enlist),
            1 => any::<usize>().prop_map(Step::Delist),
            2 => any::<usize>().prop_map(Step::Close),
            1 => any::<usize>().prop_map(Step::Change),
        ];
        prop::collection::vec(step, 0..300)
    }

    proptest! {
        /// The twin is a plain map of orders and a sorted set for the list.
        #[test]
        fn orders_and_their_list_are_those_of_a_plain_map_and_set(steps in steps()) {
            let (mut orders, mut list) = (Orders::default(), OrderList::default());
            let mut twin: BTreeMap<u64, Order> = BTreeMap::new();
            let mut listed: BTreeSet<u64> = BTreeSet::new();
            for step in steps {
                let pick = |at: usize| twin.keys().nth(at % twin.len().max(1)).copied();
                match step {
                    Step::Insert(number) if !twin.contains_key(&number) => {
                        orders.insert(test_order(number));
                        twin.insert(number, test_order(number));
                    }
                    Step::Insert(_) => {}
                    Step::Remove(at) => {
                        let Some(number) = pick(at) else { continue };
                        if let Some(place) = orders.place(number) {
                            orders.delist(&mut list, Chain::Day, place);
                        }
                        let kept = orders.find(number).map(|order| order.clone());
                        prop_assert_eq!(kept, twin.remove(&number));
                        orders.forget(number);
                        listed.remove(&number);
                    }
                    Step::Close(at) => {
                        let Some(number) = pick(at) else { continue };
                        if let Some(place) = orders.place(number) {
                            orders.delist(&mut list, Chain::Day, place);
                        }
                        listed.remove(&number);
                        for order in [orders.get_mut(number), twin.get_mut(&number)] {
                            order.expect("a kept order").status = Status::Filled;
                        }
                        orders.close(number);
                        orders.pack();
                        prop_assert!(orders.get(number).is_none());
                    }
                    Step::Change(at) => {
                        let Some(number) = pick(at) else { continue };
                        for order in [orders.get_mut(number), twin.get_mut(&number)] {
                            order.expect("a kept order").filled += 1;
                        }
                        orders.pack();
                    }
                    Step::Enlist(at) | Step::Delist(at) => {
                        let is_open = |number: &u64| orders.get(*number).is_some();
                        let Some(number) = pick(at).filter(is_open) else { continue };
                        let place = orders.place(number).unwrap_or(NONE);
                        if matches!(step, Step::Enlist(_)) {
                            orders.enlist(&mut list, Chain::Day, place);
                            listed.insert(number);
                        } else {
                            orders.delist(&mut list, Chain::Day, place);
                            listed.remove(&number);
                        }
                    }
                }
                let first = orders.first(&list).map(|order| order.number);
                prop_assert_eq!(first, listed.first().copied());
            }
            prop_assert!(orders.iter().map(|order| order.clone()).eq(twin.values().cloned()));
            prop_assert_eq!((orders.len(), list.len()), (twin.len(), listed.len()));
            prop_assert!(orders.of(list, Chain::Day).map(|it| it.number).eq(listed));
        }
    }

    #[test]
    fn numbers_far_apart_cost_a_sheet_each_and_nothing_between() {
        let mut orders = Orders::default();
        for number in [1 << 40, u64::MAX, 7, (1 << 40) + 300] {
            orders.insert(test_order(number));
        }
        let numbers: Vec<u64> = orders.iter().map(|order| order.number).collect();
        assert_eq!(numbers, [7, 1 << 40, (1 << 40) + 300, u64::MAX]);
        assert_eq!((orders.sheets.row.len(), orders.sheets.strays.len()), (2, 2));
        orders.forget(u64::MAX);
        orders.forget(1 << 40);
        assert_eq!((orders.get(1 << 40), orders.get(u64::MAX)), (None, None));
        assert_eq!((orders.sheets.row.len(), orders.sheets.strays.len()), (1, 1));
    }

    #[test]
    fn a_stray_is_found_when_the_row_has_come_to_it() {
        let mut orders = Orders::default();
        let far = 10_000 << SHEET_BITS;
        for number in [1, far] {
            orders.insert(test_order(number));
        }
        assert_eq!(orders.sheets.strays.len(), 1);
        for sheet in 1..=10_001_u64 {
            orders.insert(test_order((sheet << SHEET_BITS) + 1));
        }
        assert_eq!(orders.sheets.strays.len(), 0);
        assert_eq!(orders.get(far).map(|order| order.number), Some(far));
    }
}
