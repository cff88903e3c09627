//! The orders that a world keeps: found by number, and linked into lists in the order of their
//! numbers.
//!
//! An order never moves, lists link places, so taking, finding, closing and forgetting an order
//! cost the same with a thousand and with a million others. Memory follows the orders that are
//! kept, not those that ever were.

use std::collections::BTreeMap;

use crate::ids::OrderNumber;
use crate::order::Order;
use crate::paged::{NONE, Paged, Slab};

/// Where an order is kept; valid until it is forgotten.
pub(crate) type Place = u32;

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

    /// All sheets by rising number.
    fn iter(&self) -> impl Iterator<Item = &Sheet> {
        let before = self.strays.range(..self.first).map(|(_, sheet)| &**sheet);
        let behind = self.strays.range(self.first..).map(|(_, sheet)| &**sheet);
        before.chain(self.row.iter().filter_map(Option::as_deref)).chain(behind)
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
}

impl PartialEq for Orders {
    fn eq(&self, other: &Orders) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Orders {}

impl Orders {
    /// How many orders are kept.
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where an order is kept.
    #[inline]
    pub(crate) fn place(&self, number: OrderNumber) -> Option<Place> {
        let place = self.sheets.get(number >> SHEET_BITS)?.places[number as usize % SHEET];
        (place != NONE).then_some(place)
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

    /// The order with this number.
    #[inline]
    pub fn get(&self, number: OrderNumber) -> Option<&Order> {
        self.orders.get(self.place(number)?)
    }

    /// The order with this number, to change it.
    #[inline]
    pub(crate) fn get_mut(&mut self, number: OrderNumber) -> Option<&mut Order> {
        self.orders.get_mut(self.place(number)?)
    }

    /// Keeps an order in the place of any other with its number.
    pub(crate) fn insert(&mut self, order: Order) -> Place {
        let number = order.number;
        if let Some(place) = self.place(number) {
            if let Some(old) = self.orders.get_mut(place) {
                *old = order;
            }
            return place;
        }
        let place = self.orders.insert(order);
        match self.links.get_mut(place) {
            Some(links) => *links = [UNLINKED; 2],
            None => drop(self.links.push([UNLINKED; 2])),
        }
        let sheet = self.sheets.get_or_add(number >> SHEET_BITS);
        sheet.places[number as usize % SHEET] = place;
        sheet.used += 1;
        place
    }

    /// Forgets an order; the caller has taken it out of all lists.
    pub(crate) fn remove(&mut self, number: OrderNumber) -> Option<Order> {
        let sheet = self.sheets.get_mut(number >> SHEET_BITS)?;
        let place = std::mem::replace(&mut sheet.places[number as usize % SHEET], NONE);
        let order = self.orders.remove(place)?;
        sheet.used -= 1;
        if sheet.used == 0 {
            self.sheets.drop_empty(number >> SHEET_BITS);
        }
        Some(order)
    }

    /// All orders by rising number.
    pub fn iter(&self) -> impl Iterator<Item = &Order> {
        let places = self.sheets.iter().flat_map(|sheet| sheet.places.iter());
        places.filter_map(|place| self.orders.get(*place))
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

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        Remove(usize),
        Enlist(usize),
        Delist(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => prop_oneof![1_u64..1_500, 0_u64..4_000_000].prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Remove),
            2 => any::<usize>().prop_map(Step::Enlist),
            1 => any::<usize>().prop_map(Step::Delist),
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
                        prop_assert_eq!(orders.remove(number), twin.remove(&number));
                        listed.remove(&number);
                    }
                    Step::Enlist(at) | Step::Delist(at) => {
                        let Some(number) = pick(at) else { continue };
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
            prop_assert!(orders.iter().eq(twin.values()));
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
        orders.remove(u64::MAX);
        orders.remove(1 << 40);
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
