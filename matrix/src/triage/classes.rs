//! From readings to classes of memory that add up.

use serde::Serialize;

use super::smaps::{Kind, Mapping};
use super::{Reading, resident};

/// Part of what is resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// What it is.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// How that is known.
    pub known: String,
}

/// A place where memory lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Which.
    pub name: &'static str,
    /// What lies there; none where nobody says.
    pub bytes: Option<u64>,
}

/// What smaps alone tells, and what of it is called how.
const BY_SMAPS: [(Kind, &str, &str); 6] = [
    (Kind::Text, "text", "executable pages of the file"),
    (
        Kind::Constants,
        "constants",
        "pages of the file that are only read",
    ),
    (
        Kind::Data,
        "data",
        "pages of the file that are written, and those behind",
    ),
    (
        Kind::Libraries,
        "libraries",
        "the C library, the loader, and what the kernel maps",
    ),
    (
        Kind::Stacks,
        "stacks",
        "where threads have their stack pointers, and behind guards",
    ),
    (Kind::Rings, "rings", "mappings of io_uring"),
];

/// What allocators mapped, and where it lies.
const ALLOCATED: [(Kind, &str); 3] = [
    (Kind::Heap, "[heap] of brk(2)"),
    (Kind::Arena, "arenas of threads"),
    (Kind::Nameless, "mappings without a name"),
];

fn of_kind(mappings: &[Mapping], kind: Kind) -> u64 {
    let of_it = mappings.iter().filter(|mapping| mapping.kind == kind);
    of_it.map(|mapping| mapping.resident_bytes).sum()
}

fn allocated(mappings: &[Mapping]) -> u64 {
    ALLOCATED
        .iter()
        .map(|(kind, _)| of_kind(mappings, *kind))
        .sum()
}

/// What of it can be the allocator's: of mappings without a name as much as it says that it mapped, where it says so.
fn of_allocator(base: &Reading) -> u64 {
    let nameless = of_kind(&base.mappings, Kind::Nameless);
    let mapped = base
        .mapped_bytes
        .map_or(nameless, |bytes| bytes.min(nameless));
    allocated(&base.mappings) - nameless + mapped
}

/// All classes. The last is what is unaccounted; together they are what is resident.
pub(super) fn classes(
    base: &Reading,
    without: &Reading,
    own_bytes: Option<u64>,
    is_counted: bool,
) -> Vec<Class> {
    let class = |name, bytes, known: &str| Class {
        name,
        bytes,
        known: known.to_owned(),
    };
    let by_smaps = BY_SMAPS.iter().map(|(kind, name, known)| {
        class(
            name,
            of_kind(&base.mappings, *kind),
            &format!("smaps: {known}"),
        )
    });
    let mut classes: Vec<Class> = by_smaps.collect();
    let most = of_allocator(base);
    let held = base.held_bytes.unwrap_or(0).min(most);
    if let Some(live) = base.live_bytes {
        let live = live.min(most);
        let added = without
            .live_bytes
            .map_or(0, |before| live.saturating_sub(before));
        let own = own_bytes.unwrap_or(0).min(live - added);
        let source = match is_counted {
            true => "a build that counts",
            false => "the allocator's count",
        };
        classes.extend([
            class(
                "buffers and connections",
                added,
                &format!("{source}, less that of a start without connections"),
            ),
            class("receive buffers", own, "the executable's own word (--design)"),
            class("heap live, rest", live - added - own, &format!("{source}, less the two above")),
            class(
                "heap free",
                held.saturating_sub(live),
                "what the allocator holds, less what it handed out: free, headers, tables of its own",
            ),
        ]);
    }
    let explained: u64 = classes.iter().map(|class| class.bytes).sum();
    let unaccounted = resident(&base.mappings).saturating_sub(explained);
    let known = match (base.live_bytes, base.held_bytes) {
        (Some(_), Some(_)) => "mapped by nobody who says so",
        (Some(_), None) => {
            "no executable's memory, and not handed out: the allocator does not say what it holds"
        }
        (None, _) => "the allocator's memory: nobody counts it",
    };
    classes.push(class("unaccounted", unaccounted, known));
    classes
}

/// Where what allocators mapped lies.
pub(super) fn places(mappings: &[Mapping]) -> Vec<Place> {
    let place = |(kind, name): &(Kind, &'static str)| Place {
        name,
        bytes: Some(of_kind(mappings, *kind)),
    };
    ALLOCATED.iter().map(place).collect()
}

/// What is not resident in the process and there for it.
pub(super) fn beside(base: &Reading) -> Vec<Place> {
    vec![
        Place {
            name: "page tables",
            bytes: base.page_table_bytes,
        },
        Place {
            name: "charged to its cgroup, less inactive pages of files",
            bytes: base.cgroup_bytes,
        },
    ]
}

/// What there is more of or less than in the base, the largest first.
pub(super) fn changes(base: &[Mapping], other: &[Mapping]) -> Vec<(&'static str, i64)> {
    let by_smaps = BY_SMAPS
        .iter()
        .map(|(kind, name, _)| (*name, of_kind(base, *kind), of_kind(other, *kind)));
    let allocated = ("allocator", allocated(base), allocated(other));
    let change = |(name, base, other): (&'static str, u64, u64)| (name, other as i64 - base as i64);
    let mut changes: Vec<_> = by_smaps
        .chain([allocated])
        .map(change)
        .filter(|(_, bytes)| *bytes != 0)
        .collect();
    changes.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.abs()));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(live_bytes: Option<u64>, held_bytes: Option<u64>) -> Reading {
        let mapping = |kind, kib: u64| Mapping {
            kind,
            name: String::new(),
            resident_bytes: kib * 1024,
        };
        let mappings = [
            mapping(Kind::Text, 800),
            mapping(Kind::Heap, 60),
            mapping(Kind::Arena, 30),
            mapping(Kind::Nameless, 10),
            mapping(Kind::Other, 7),
        ];
        Reading {
            mappings: mappings.into(),
            page_table_bytes: Some(4096),
            cgroup_bytes: None,
            live_bytes,
            held_bytes,
            mapped_bytes: None,
        }
    }

    fn kib(base: &Reading, without: &Reading, own: Option<u64>) -> Vec<(&'static str, u64)> {
        let classes = classes(base, without, own, false);
        let sum: u64 = classes.iter().map(|class| class.bytes).sum();
        assert_eq!(sum, resident(&base.mappings));
        let of_some = classes.iter().filter(|class| class.bytes > 0);
        of_some
            .map(|class| (class.name, class.bytes / 1024))
            .collect()
    }

    #[test]
    fn classes_add_up_to_what_is_resident() {
        let kb = |kib: u64| Some(kib * 1024);
        let without = reading(kb(40), kb(200));
        assert_eq!(
            kib(&reading(kb(70), kb(96)), &without, kb(25)),
            [
                ("text", 800),
                ("buffers and connections", 30),
                ("receive buffers", 25),
                ("heap live, rest", 15),
                ("heap free", 26),
                ("unaccounted", 11),
            ]
        );
        // Sources that say more than there is, and none at all.
        assert_eq!(
            kib(&reading(kb(500), kb(900)), &without, kb(999)),
            [
                ("text", 800),
                ("buffers and connections", 60),
                ("receive buffers", 40),
                ("unaccounted", 7)
            ]
        );
        assert_eq!(
            kib(&reading(None, None), &without, None),
            [("text", 800), ("unaccounted", 107)]
        );
        assert_eq!(
            kib(&reading(kb(70), None), &reading(None, None), None),
            [("text", 800), ("heap live, rest", 70), ("unaccounted", 37)]
        );
    }

    #[test]
    fn what_the_allocator_did_not_map_is_unaccounted() {
        let kb = |kib: u64| Some(kib * 1024);
        // It has reserved far more than is resident, and mapped 4 KiB of the 10 without a name.
        let base = Reading {
            mapped_bytes: kb(4),
            ..reading(kb(70), kb(9000))
        };
        assert_eq!(
            kib(&base, &reading(None, None), None),
            [
                ("text", 800),
                ("heap live, rest", 70),
                ("heap free", 24),
                ("unaccounted", 13)
            ]
        );
    }

    #[test]
    fn the_largest_change_is_first() {
        let (base, mut other) = (reading(None, None), reading(None, None));
        other.mappings[0].resident_bytes += 1024;
        other.mappings[1].resident_bytes -= 2048;
        let found = changes(&base.mappings, &other.mappings);
        assert_eq!(found, [("allocator", -2048), ("text", 1024)]);
    }
}
