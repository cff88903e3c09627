//! Structure-aware damage: JSON trees and bytes are changed in ways that stay close to what is
//! meant, so that the damage gets past the first check. Deterministic from a seed.

use serde_json::{Map, Value, json};

/// SplitMix64 (Steele, Lea, Flood 2014): a small generator for tests.
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Whole numbers at which something may break.
const EDGES: [i64; 16] = [
    0,
    1,
    -1,
    2,
    999_999,
    1_000_000,
    1_000_001,
    -1_000_000,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    4_000_000_000_000_000_000,
    4_000_000_000_000_000_001,
    1_000_000_000_000_000_000,
    9_006_000_000_000_000_000,
    86_400_000_000_000,
];

/// Texts at which something may break.
const TEXTS: [&str; 14] = [
    "",
    "0",
    "-1",
    "0.000001",
    "0.0000000001",
    "9223372036.854775807",
    "4000000000000",
    "999999999999999999999",
    "1e9",
    "NaN",
    "buy",
    "00000000-0000-0000-0000-000000000000",
    "\u{7f}",
    "2026-01-05T09:00:00Z",
];

/// All values of a tree, from which damage takes its material.
pub fn material(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(members) => members.values().for_each(|one| material(one, found)),
        Value::Array(items) => items.iter().for_each(|one| material(one, found)),
        _ => {}
    }
    found.push(value.clone());
}

/// Damages one place of a tree.
pub fn damage(value: &mut Value, stock: &[Value], draw: &mut Draw) {
    match value {
        Value::Object(members) if !members.is_empty() && draw.chance(90) => {
            damage_member(members, stock, draw);
        }
        Value::Array(items) if !items.is_empty() && draw.chance(80) => {
            let index = draw.below(items.len());
            match draw.below(6) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                2 => items.swap(0, index),
                _ => damage(&mut items[index], stock, draw),
            }
        }
        _ => *value = instead(value, stock, draw),
    }
}

fn damage_member(members: &mut Map<String, Value>, stock: &[Value], draw: &mut Draw) {
    let keys: Vec<String> = members.keys().cloned().collect();
    let key = draw.pick(&keys).clone();
    match draw.below(12) {
        0 => drop(members.remove(&key)),
        1 => {
            let value = members.remove(&key).unwrap_or(Value::Null);
            members.insert(draw.pick(&keys).clone(), value);
        }
        _ => {
            if let Some(value) = members.get_mut(&key) {
                damage(value, stock, draw);
            }
        }
    }
}

/// Something else in the place of a value: mostly of the same kind.
fn instead(value: &Value, stock: &[Value], draw: &mut Draw) -> Value {
    match (value, draw.below(10)) {
        (_, 0) => {
            draw.pick(&[Value::Null, json!(true), json!(false), json!([]), json!({})]).clone()
        }
        (_, 1 | 2) if !stock.is_empty() => draw.pick(stock).clone(),
        (Value::Number(number), 3 | 4) => {
            let old = number.as_i64().unwrap_or(0);
            json!(old.wrapping_add(*draw.pick(&[1, -1, 10, -10, old, 1_000_000_000])))
        }
        (Value::Number(_), _) => json!(draw.pick(&EDGES)),
        (Value::String(text), 3) => json!(format!("{text}0")),
        (Value::String(text), 4) => json!(format!("-{text}")),
        (Value::String(text), 5) => json!(text.chars().rev().collect::<String>()),
        (Value::String(_), _) => json!(draw.pick(&TEXTS)),
        (Value::Bool(flag), _) => json!(!flag),
        _ => json!(draw.pick(&EDGES)),
    }
}

/// Damages bytes: a byte, a field of eight or four, a cut, a copied stretch.
pub fn damage_bytes(data: &mut Vec<u8>, draw: &mut Draw) {
    let at = draw.below(data.len());
    match draw.below(8) {
        0 => data.truncate(at),
        1 => {
            let end = (at + draw.below(40)).min(data.len());
            let stretch: Vec<u8> = data[at..end].to_vec();
            let to = draw.below(data.len());
            data.splice(to..to, stretch);
        }
        2 => {
            let end = (at + draw.below(40)).min(data.len());
            drop(data.drain(at..end));
        }
        3 | 4 => overwrite(data, at, &draw.pick(&EDGES).to_le_bytes()),
        5 => overwrite(data, at, &(draw.next() as u32).to_le_bytes()),
        6 => overwrite(data, at, &[draw.pick(&[0_u8, 1, 2, 255, 128]).to_owned()]),
        _ => data[at] ^= 1 << draw.below(8),
    }
}

fn overwrite(data: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in data.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}
