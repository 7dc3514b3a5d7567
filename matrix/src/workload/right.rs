//! What a right answer is, independent of how it is framed: status and content.
//!
//! JSON is read into typed items, so that a missing field, a string for a number or a cut document cannot pass; and the
//! arithmetic is done again. Field order and white space are the server's own business, and so are further fields.

use serde::Deserialize;

/// The right answer to one request; always with status 200.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// Exactly this content.
    Text(&'static str),
    /// The first `count` items of the data set, each with `total` = price × quantity × m.
    Json { count: u64, m: i64 },
    /// So many operations of an allocator, none of which found a block in wrong hands.
    Operations(u32),
}

impl Right {
    /// Says in one sentence what is wrong with an answer.
    pub(crate) fn check(self, status: u16, content: &[u8]) -> Result<(), String> {
        if status != 200 {
            return Err(format!(
                "expected status 200, got {status} with content {}",
                shown(content)
            ));
        }
        match self {
            Right::Operations(count) => {
                let text = format!("{count} operations, 0 wrong\n");
                if content == text.as_bytes() {
                    return Ok(());
                }
                Err(format!(
                    "expected content `{}`, got {}",
                    text.trim_end(),
                    shown(content)
                ))
            }
            Right::Text(text) if content == text.as_bytes() => Ok(()),
            Right::Text(text) => Err(format!("expected content `{text}`, got {}", shown(content))),
            Right::Json { count, m } => check_document(count, m, content)
                .map_err(|wrong| format!("{wrong} in the document of {count} items with m={m}")),
        }
    }
}

/// The start of some bytes as a person can read them.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 60;
    let start = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let rest = if start.len() < bytes.len() {
        format!("… ({} bytes)", bytes.len())
    } else {
        String::new()
    };
    format!("`{}`{rest}", start.escape_ascii())
}

#[derive(Deserialize)]
struct Document {
    items: Vec<Item>,
    count: u64,
}

#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "reading a field proves that it is there and of its type"
)]
struct Item {
    id: u64,
    name: String,
    category: String,
    price: i64,
    quantity: i64,
    active: bool,
    tags: Vec<String>,
    rating: Rating,
    total: i64,
}

#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "reading a field proves that it is there and of its type"
)]
struct Rating {
    score: i64,
    count: i64,
}

fn check_document(count: u64, m: i64, content: &[u8]) -> Result<(), String> {
    let document: Document = serde_json::from_slice(content)
        .map_err(|error| format!("expected JSON, got {} ({error})", shown(content)))?;
    if (document.count, document.items.len() as u64) != (count, count) {
        return Err(format!(
            "expected count {count} and {count} items, got count {} and {} items",
            document.count,
            document.items.len()
        ));
    }
    (1..).zip(&document.items).try_for_each(|(id, item)| {
        let total = item
            .price
            .checked_mul(item.quantity)
            .and_then(|product| product.checked_mul(m));
        if item.id != id {
            Err(format!("expected id {id}, got {}", item.id))
        } else if total != Some(item.total) {
            Err(format!(
                "expected total {} × {} × {m}, got {} of item {id}",
                item.price, item.quantity, item.total
            ))
        } else {
            Ok(())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"items":[
        {"id":1,"name":"a","category":"b","price":3,"quantity":5,"active":true,"tags":["c"],"rating":{"score":4,"count":9},"total":30},
        {"total":-4,"id":2,"name":"a","category":"b","price":-2,"quantity":1,"active":false,"tags":[],"rating":{"count":9,"score":4}}
        ],"count":2}"#;
    const RIGHT: Right = Right::Json { count: 2, m: 2 };

    #[test]
    fn a_document_is_right_in_any_field_order() {
        assert_eq!(RIGHT.check(200, TWO.as_bytes()), Ok(()));
    }

    #[test]
    fn operations_are_right_by_their_number_and_when_none_is_wrong() {
        let right = Right::Operations(1024);
        assert_eq!(right.check(200, b"1024 operations, 0 wrong\n"), Ok(()));
        for wrong in [
            "1024 operations, 1 wrong\n",
            "1023 operations, 0 wrong\n",
            "",
        ] {
            let sentence = right.check(200, wrong.as_bytes()).unwrap_err();
            assert!(
                sentence.starts_with("expected content `1024 operations, 0 wrong`, got `"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn every_fault_of_a_document_is_named() {
        let cases = [
            (r#""count":2}"#, r#""count":3}"#, "count 3"),
            (r#""id":2"#, r#""id":3"#, "expected id 2, got 3"),
            (r#""total":30"#, r#""total":31"#, "got 31 of item 1"),
            (r#""price":3"#, r#""price":"3""#, "expected JSON"),
            (r#""tags":[],"#, "", "missing field `tags`"),
            (r#""score":4"#, r#""scope":4"#, "missing field `score`"),
            (r#""name":"a","#, "", "missing field `name`"),
            (r#""category":"b","#, "", "missing field `category`"),
            (r#""active":true,"#, "", "missing field `active`"),
            (r#""count":2}"#, r#""count":2"#, "expected JSON"),
            (r#""price":3"#, r#""price":9223372036854775807"#, "total"),
        ];
        for (from, to, sentence) in cases {
            let broken = TWO.replacen(from, to, 1);
            let wrong = RIGHT.check(200, broken.as_bytes()).unwrap_err();
            assert!(wrong.contains(sentence), "{to}: {wrong}");
        }
    }

    #[test]
    fn status_and_text_are_compared_whole() {
        assert_eq!(Right::Text("55").check(200, b"55"), Ok(()));
        for content in ["5", "555", "", "54"] {
            Right::Text("55")
                .check(200, content.as_bytes())
                .unwrap_err();
        }
        let wrong = Right::Text("55").check(503, b"full").unwrap_err();
        assert_eq!(wrong, "expected status 200, got 503 with content `full`");
    }
}
