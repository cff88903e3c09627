//! Places in pages: a slab that never moves what it holds, and a hash index into such places.
//!
//! A vector that doubles copies everything it has at a moment nobody chose; a page is added
//! without a look at the others, so the slowest insertion costs one page. Both structures depend
//! on the order of operations only, never on addresses or a random seed.

/// No place.
pub(crate) const NONE: u32 = u32::MAX;

const PAGE_BITS: u32 = 9;
const PAGE: usize = 1 << PAGE_BITS;
const IN_PAGE: u32 = PAGE as u32 - 1;

/// A vector that grows by pages of 512.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T> {
    pages: Vec<Vec<T>>,
    length: u32,
}

impl<T> Default for Paged<T> {
    fn default() -> Paged<T> {
        Paged { pages: Vec::new(), length: 0 }
    }
}

impl<T> Paged<T> {
    /// How many there are.
    pub const fn len(&self) -> u32 {
        self.length
    }

    /// Appends one; gives its place.
    pub fn push(&mut self, value: T) -> u32 {
        if self.length & IN_PAGE == 0 {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        if let Some(page) = self.pages.last_mut() {
            page.push(value);
        }
        self.length += 1;
        self.length - 1
    }

    /// What stands at a place.
    #[inline]
    pub fn get(&self, place: u32) -> Option<&T> {
        self.pages.get((place >> PAGE_BITS) as usize)?.get((place & IN_PAGE) as usize)
    }

    /// What stands at a place, to change it.
    #[inline]
    pub fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.pages.get_mut((place >> PAGE_BITS) as usize)?.get_mut((place & IN_PAGE) as usize)
    }
}

/// Values in places that are given out again after they were freed, the last one first.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    values: Paged<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { values: Paged::default(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts a value in; gives its place.
    pub fn insert(&mut self, value: T) -> u32 {
        let Some(place) = self.free.pop() else {
            return self.values.push(Some(value));
        };
        if let Some(free) = self.values.get_mut(place) {
            *free = Some(value);
        }
        place
    }

    /// Takes a value out.
    pub fn remove(&mut self, place: u32) -> Option<T> {
        let value = self.values.get_mut(place)?.take();
        if value.is_some() {
            self.free.push(place);
        }
        value
    }

    /// Drops the value at a place; says whether there was one.
    pub fn free(&mut self, place: u32) -> bool {
        let Some(value) = self.values.get_mut(place).filter(|value| value.is_some()) else {
            return false;
        };
        *value = None;
        self.free.push(place);
        true
    }

    /// The value at a place.
    #[inline]
    pub fn get(&self, place: u32) -> Option<&T> {
        self.values.get(place)?.as_ref()
    }

    /// The value at a place, to change it.
    #[inline]
    pub fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.values.get_mut(place)?.as_mut()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len() as usize - self.free.len()
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    place: u32,
}

const EMPTY: Entry = Entry { hash: 0, place: NONE };
const LEAST_ENTRIES: usize = 8;

/// A hash index: finds the place of a key that is kept elsewhere, by its hash and a comparison.
///
/// Open addressing with linear probing; removal moves later entries back, so no marks of removed
/// entries pile up and the cost does not grow with the operations made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    count: usize,
}

impl Index {
    fn mask(&self) -> usize {
        self.entries.len().wrapping_sub(1)
    }

    fn locate(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        loop {
            let entry = self.entries.get(at)?;
            if entry.place == NONE {
                return None;
            }
            if entry.hash == hash && is_it(entry.place) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// The place under this hash of which `is_it` says that it is the one.
    pub fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let entry = self.locate(hash, is_it).and_then(|at| self.entries.get(at));
        entry.map(|entry| entry.place)
    }

    /// The place under this hash of which `is_it` says that it is the one; `place` is added when
    /// there is none.
    pub fn find_or_insert(
        &mut self,
        hash: u32,
        is_it: impl Fn(u32) -> bool,
        place: u32,
    ) -> Option<u32> {
        // A quarter of the entries stays empty, so a search ends soon.
        if (self.count + 1) * 4 > self.entries.len() * 3 {
            self.grow();
        }
        let mask = self.mask();
        let mut at = hash as usize & mask;
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.place == NONE {
                *entry = Entry { hash, place };
                self.count += 1;
                return None;
            }
            if entry.hash == hash && is_it(entry.place) {
                return Some(entry.place);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn put(&mut self, new: Entry) {
        let mask = self.mask();
        let mut at = new.hash as usize & mask;
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.place == NONE {
                *entry = new;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let length = (self.entries.len() * 2).max(LEAST_ENTRIES);
        let old = std::mem::replace(&mut self.entries, vec![EMPTY; length]);
        for entry in old.into_iter().filter(|entry| entry.place != NONE) {
            self.put(entry);
        }
    }

    /// Takes a place out.
    pub fn remove(&mut self, hash: u32, place: u32) {
        let Some(mut hole) = self.locate(hash, |other| other == place) else {
            return;
        };
        self.count -= 1;
        let mask = self.mask();
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(entry) = self.entries.get(at).copied().filter(|it| it.place != NONE) else {
                break;
            };
            // An entry may move into the hole when its own place is not beyond the hole.
            let home = entry.hash as usize & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The twin is a map from key to place. Few hash values, so runs of equal hashes form,
        /// wrap around the end and are torn by removals.
        #[test]
        fn an_index_finds_what_a_plain_map_finds(
            steps in prop::collection::vec((any::<bool>(), 0_u32..60), 0..400),
            spread in 1_u32..9,
        ) {
            let hash = |key: u32| (key % spread).wrapping_mul(0x2000_0001);
            let mut index = Index::default();
            let mut twin: BTreeMap<u32, u32> = BTreeMap::new();
            for (adds, key) in steps {
                match (adds, twin.contains_key(&key)) {
                    (true, false) => {
                        let is_it = |place| place == key + 1_000;
                        prop_assert_eq!(index.find_or_insert(hash(key), is_it, key + 1_000), None);
                        prop_assert_eq!(
                            index.find_or_insert(hash(key), is_it, 7),
                            Some(key + 1_000)
                        );
                        twin.insert(key, key + 1_000);
                    }
                    (false, true) => {
                        index.remove(hash(key), key + 1_000);
                        twin.remove(&key);
                    }
                    _ => {}
                }
                for key in 0..60 {
                    let found = index.find(hash(key), |place| place == key + 1_000);
                    prop_assert_eq!(found, twin.get(&key).copied());
                }
            }
        }
    }

    #[test]
    fn a_slab_gives_freed_places_out_again_and_moves_nothing() {
        let mut slab = Slab::default();
        let places: Vec<u32> = (0..2_000).map(|value| slab.insert(value)).collect();
        assert_eq!(slab.remove(places[700]), Some(700));
        assert_eq!(slab.remove(places[700]), None);
        assert_eq!(slab.insert(9_999), places[700]);
        assert_eq!((slab.get(places[1_999]), slab.len()), (Some(&1_999), 2_000));
    }
}
