//! The items that `/json` serves: generated, always the same, unless a file replaces them.

use std::path::Path;

use super::item::{AROUND_BYTES_MAX, Item, Rating};

/// How many items HttpArena's data set has, and the most that one request asks for.
const ITEMS: usize = 50;

/// Items, with what their answers may take.
pub(crate) struct Dataset {
    items: Vec<Item>,
    /// For each count of items, the most bytes of an answer with so many.
    bytes_max: Vec<usize>,
}

impl Dataset {
    /// The data set of the project's own.
    pub(crate) fn generated() -> Dataset {
        Dataset::new((1..=ITEMS as u32).map(generated).collect())
    }

    /// Reads items from a JSON file: an array, of which the first 50 are served.
    pub(crate) fn read(file: &Path) -> Result<Dataset, String> {
        let name = file.display();
        let text =
            std::fs::read(file).map_err(|error| format!("failed to read {name}: {error}"))?;
        let items: Vec<Item> = serde_json::from_slice(&text).map_err(|error| {
            format!("failed to read items from {name}: {error}; it has to be an array of items as /json serves them, without total")
        })?;
        if items.is_empty() {
            return Err(format!("failed to read items from {name}: there are none"));
        }
        Ok(Dataset::new(items))
    }

    fn new(mut items: Vec<Item>) -> Dataset {
        items.truncate(ITEMS);
        let sums = items.iter().scan(AROUND_BYTES_MAX, |bytes, item| {
            *bytes += item.bytes_max();
            Some(*bytes)
        });
        let bytes_max = [AROUND_BYTES_MAX].into_iter().chain(sums).collect();
        Dataset { items, bytes_max }
    }

    /// The first so many items; `None` where there are not so many, and for none at all.
    pub(super) fn first(&self, count: usize) -> Option<&[Item]> {
        if count == 0 {
            None
        } else {
            self.items.get(..count)
        }
    }

    /// The most bytes that an answer with so many items has.
    pub(super) fn bytes_max(&self, count: usize) -> usize {
        self.bytes_max[count]
    }
}

const MATERIALS: [&str; 10] = [
    "Oak", "Steel", "Linen", "Copper", "Slate", "Cork", "Amber", "Wool", "Glass", "Clay",
];
const THINGS: [&str; 10] = [
    "Lamp", "Kettle", "Chair", "Clock", "Shelf", "Bowl", "Frame", "Stool", "Vase", "Tray",
];
const CATEGORIES: [&str; 6] = ["home", "kitchen", "office", "garden", "workshop", "travel"];
const TAGS: [&str; 10] = [
    "new", "sale", "limited", "popular", "recycled", "handmade", "light", "sturdy", "compact",
    "outdoor",
];

/// The item of this number: a multiplicative hash (Knuth, TAOCP 6.4) chooses its words and numbers.
fn generated(id: u32) -> Item {
    let hash = |salt: u32| ((id * 8 + salt).wrapping_mul(2_654_435_761) >> 8) as usize;
    let within = |salt, most: u32| hash(salt) as u32 % most;
    Item {
        id,
        name: format!(
            "{} {} {id}",
            MATERIALS[hash(0) % MATERIALS.len()],
            THINGS[hash(1) % THINGS.len()]
        ),
        category: CATEGORIES[hash(2) % CATEGORIES.len()].to_owned(),
        price: 1 + within(3, 499),
        quantity: 1 + within(4, 99),
        active: hash(5) % 4 != 0,
        tags: (0..2)
            .map(|tag| TAGS[(hash(6) + 3 * tag) % TAGS.len()].to_owned())
            .collect(),
        rating: Rating {
            score: 1 + within(7, 50),
            count: within(0, 500),
        },
    }
}
