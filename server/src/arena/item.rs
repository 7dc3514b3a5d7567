//! The items of `/json`, and their serialisation: field by field, for every request, straight into the room of the answer.

use orthant::Out;
use serde::Deserialize;

/// One item of the data set.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) price: u32,
    pub(super) quantity: u32,
    pub(super) active: bool,
    pub(super) tags: Vec<String>,
    pub(super) rating: Rating,
}

/// What people think of an item.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rating {
    pub(super) score: u32,
    pub(super) count: u32,
}

/// Around the items of an answer: `{"items":[],"count":N}`.
pub(super) const AROUND_BYTES_MAX: usize = 32;

/// `{"items":[…],"count":N}`, each item with `total` = price × quantity × `multiplier`.
pub(super) fn write_all(items: &[Item], multiplier: u64, out: &mut Out<'_>) {
    let mut opening: &[u8] = b"{\"items\":[";
    for item in items {
        out.bytes(opening);
        item.write(multiplier, out);
        opening = b",";
    }
    out.bytes(b"],\"count\":");
    out.number(items.len() as u64);
    out.bytes(b"}");
}

impl Item {
    /// An upper bound of the bytes that `write` writes: seven numbers, and no character longer than its escape.
    pub(super) fn bytes_max(&self) -> usize {
        const FIXED_BYTES: usize = 160;
        const NUMBERS_BYTES: usize = 6 * 10 + 20;
        let texts = self.tags.iter().chain([&self.name, &self.category]);
        FIXED_BYTES + NUMBERS_BYTES + texts.map(|text| escaped_bytes(text) + 3).sum::<usize>()
    }

    fn write(&self, multiplier: u64, out: &mut Out<'_>) {
        out.bytes(b"{\"id\":");
        out.number(self.id.into());
        out.bytes(b",\"name\":");
        write_text(&self.name, out);
        out.bytes(b",\"category\":");
        write_text(&self.category, out);
        out.bytes(b",\"price\":");
        out.number(self.price.into());
        out.bytes(b",\"quantity\":");
        out.number(self.quantity.into());
        out.bytes(if self.active {
            b",\"active\":true,\"tags\":"
        } else {
            b",\"active\":false,\"tags\":"
        });
        let mut opening: &[u8] = b"[";
        for tag in &self.tags {
            out.bytes(opening);
            write_text(tag, out);
            opening = b",";
        }
        out.bytes(if self.tags.is_empty() {
            b"[],\"rating\":{\"score\":"
        } else {
            b"],\"rating\":{\"score\":"
        });
        out.number(self.rating.score.into());
        out.bytes(b",\"count\":");
        out.number(self.rating.count.into());
        out.bytes(b"},\"total\":");
        let total = u64::from(self.price) * u64::from(self.quantity);
        out.number(total.wrapping_mul(multiplier));
        out.bytes(b"}");
    }
}

/// A JSON string (RFC 8259 §7).
fn write_text(text: &str, out: &mut Out<'_>) {
    out.bytes(b"\"");
    // Without an early exit the compiler looks at many bytes at once.
    let plain = text
        .bytes()
        .fold(true, |plain, byte| plain & !needs_escape(byte));
    if plain {
        out.bytes(text.as_bytes());
    } else {
        write_escaped(text, out);
    }
    out.bytes(b"\"");
}

#[cold]
fn write_escaped(text: &str, out: &mut Out<'_>) {
    for byte in text.bytes() {
        if needs_escape(byte) {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
            out.bytes(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.bytes(&[byte]);
        }
    }
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escaped_bytes(text: &str) -> usize {
    text.bytes()
        .map(|byte| if needs_escape(byte) { 6 } else { 1 })
        .sum()
}
