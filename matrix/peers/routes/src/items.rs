//! The items of `/json`: generated once, serialised for every request.

use std::sync::LazyLock;

use serde::Serialize;

/// How many there are.
pub(crate) const COUNT: usize = 50;

#[derive(Clone, Serialize)]
struct Item {
    id: u64,
    name: String,
    category: &'static str,
    price: u64,
    quantity: u64,
    active: bool,
    tags: [&'static str; 2],
    rating: Rating,
}

#[derive(Clone, Serialize)]
struct Rating {
    score: u64,
    count: u64,
}

/// An item, and its price × quantity × the multiplier.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    item: &'a Item,
    total: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    items: Vec<Line<'a>>,
    count: usize,
}

static ITEMS: LazyLock<Vec<Item>> = LazyLock::new(|| (1..=COUNT as u64).map(item).collect());

/// The first so many items as JSON.
pub(crate) fn document(count: usize, multiplier: u64) -> Vec<u8> {
    let line = |item: &'static Item| Line {
        item,
        total: (item.price * item.quantity).wrapping_mul(multiplier),
    };
    let items = ITEMS[..count].iter().map(line).collect();
    serde_json::to_vec(&Document { items, count }).expect("numbers and texts are always JSON")
}

/// Words and numbers that differ from item to item, of the lengths that HttpArena's items have.
fn item(id: u64) -> Item {
    const WORDS: [&str; 7] = [
        "Copper", "Linen", "Slate", "Kettle", "garden", "travel", "limited",
    ];
    let word = |salt: u64| WORDS[((id * 31 + salt * 17) % 7) as usize];
    let within = |salt: u64, most: u64| 1 + (id * 7919 + salt * 104_729) % most;
    Item {
        id,
        name: format!("{} {} {id}", word(0), word(1)),
        category: word(2),
        price: within(3, 499),
        quantity: within(4, 99),
        active: !id.is_multiple_of(4),
        tags: [word(5), word(6)],
        rating: Rating {
            score: within(7, 50),
            count: within(8, 500),
        },
    }
}
