//! The mappings of a process by what they are for, as `/proc/PID/smaps` lists them (proc(5)).
//!
//! A name says most of it. Memory without a name is a stack where a thread has its stack pointer in it, or where it lies behind
//! a page that nobody may touch; data where it goes on behind the data of a file; all else is what an allocator or a program
//! mapped for itself.

use std::path::Path;

/// What a mapping is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Machine code of the executable.
    Text,
    /// What of the executable is only read: constants, tables of unwinding.
    Constants,
    /// Variables of the executable.
    Data,
    /// The C library, the loader and others, with their variables, and what the kernel maps into every process.
    Libraries,
    /// Stacks of threads and of signals.
    Stacks,
    /// Rings of io_uring.
    Rings,
    /// `[heap]`, what brk(2) gave.
    Heap,
    /// Memory without a name that begins where glibc puts an arena of a thread: at a multiple of 64 MiB.
    Arena,
    /// Other memory without a name.
    Nameless,
    /// Something else.
    Other,
}

/// An address range that is resident in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) resident_bytes: u64,
}

/// A mapping as it is listed.
struct Listed<'a> {
    start: u64,
    end: u64,
    rights: &'a str,
    name: &'a str,
    resident_bytes: u64,
}

/// The largest stack that is told by the page before it alone: those of signal handlers.
const SIGNAL_STACK_BYTES_MAX: u64 = 256 * 1024;

/// Guards are a page, which has at most so many bytes.
const GUARD_BYTES_MAX: u64 = 64 * 1024;

/// glibc's arenas of threads lie at multiples of this (HEAP_MAX_SIZE on 64-bit machines).
const ARENA_BYTES: u64 = 64 << 20;

/// All mappings with resident pages; none where the text reads otherwise. `stack_pointers` are those of the threads.
pub(super) fn mappings(
    smaps: &str,
    executable: &Path,
    stack_pointers: &[u64],
) -> Option<Vec<Mapping>> {
    let listed = listed(smaps)?;
    let executable = executable.to_string_lossy();
    let mut found: Vec<Mapping> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for (index, mapping) in listed.iter().enumerate() {
        let before = index
            .checked_sub(1)
            .map(|before| (&listed[before], kinds[before]));
        let before = before.filter(|(listed, _)| listed.end == mapping.start);
        let kind = match mapping.name {
            "" => nameless(mapping, before, stack_pointers),
            name => named(name, mapping.rights, &executable),
        };
        kinds.push(kind);
        if mapping.resident_bytes > 0 {
            found.push(Mapping {
                kind,
                name: mapping.name.to_owned(),
                resident_bytes: mapping.resident_bytes,
            });
        }
    }
    Some(found)
}

fn named(name: &str, rights: &str, executable: &str) -> Kind {
    match name {
        "[heap]" => Kind::Heap,
        "[stack]" => Kind::Stacks,
        "anon_inode:[io_uring]" => Kind::Rings,
        _ if name.trim_end_matches(" (deleted)") == executable => {
            match (rights.contains('x'), rights.contains('w')) {
                (true, _) => Kind::Text,
                (_, true) => Kind::Data,
                _ => Kind::Constants,
            }
        }
        _ if name.starts_with("[v") || name.contains(".so") => Kind::Libraries,
        _ => Kind::Other,
    }
}

fn nameless(mapping: &Listed<'_>, before: Option<(&Listed<'_>, Kind)>, pointers: &[u64]) -> Kind {
    let is_in = |pointer: &u64| (mapping.start..mapping.end).contains(pointer);
    // What an arena has not taken yet may not be touched either, and is larger.
    let is_guard = |listed: &Listed<'_>| {
        let is_small = listed.end - listed.start <= GUARD_BYTES_MAX;
        listed.name.is_empty() && listed.rights.starts_with("---") && is_small
    };
    let bytes = mapping.end - mapping.start;
    match before {
        _ if pointers.iter().any(is_in) => Kind::Stacks,
        Some((guard, _)) if is_guard(guard) && bytes <= SIGNAL_STACK_BYTES_MAX => Kind::Stacks,
        Some((file, kind @ (Kind::Data | Kind::Libraries))) if file.rights.contains('w') => kind,
        _ if mapping.start.is_multiple_of(ARENA_BYTES) => Kind::Arena,
        _ => Kind::Nameless,
    }
}

/// `start-end rights offset device inode name`, and lines of fields behind each.
fn listed(smaps: &str) -> Option<Vec<Listed<'_>>> {
    let mut all: Vec<Listed<'_>> = Vec::new();
    for line in smaps.lines() {
        let first = line.split_whitespace().next()?;
        if let Some(field) = first.strip_suffix(':') {
            if field == "Rss" {
                let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
                all.last_mut()?.resident_bytes = kib * 1024;
            }
            continue;
        }
        let (start, end) = first.split_once('-')?;
        let mut rest = line.splitn(6, ' ').skip(1);
        all.push(Listed {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            rights: rest.next()?,
            name: rest.nth(3).unwrap_or_default().trim(),
            resident_bytes: 0,
        });
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker of `uring+split+system` on Linux 6.18 with glibc 2.36, shortened.
    const SMAPS: &str = include_str!("smaps.golden");

    #[test]
    fn every_mapping_of_a_server_has_its_kind() {
        let pointers = [0x7fff_cc7f_24c0, 0x7fd1_8d99_78a8];
        let found = mappings(SMAPS, Path::new("/tmp/us"), &pointers).expect("it is whole");
        let kinds: Vec<(Kind, u64)> = found
            .iter()
            .map(|mapping| (mapping.kind, mapping.resident_bytes / 1024))
            .collect();
        assert_eq!(
            kinds,
            [
                (Kind::Constants, 232),
                (Kind::Text, 820),
                (Kind::Constants, 32),
                (Kind::Data, 8),
                (Kind::Data, 4),
                (Kind::Heap, 44),
                (Kind::Arena, 28),
                (Kind::Nameless, 12),
                (Kind::Rings, 20),
                (Kind::Stacks, 16),
                (Kind::Libraries, 900),
                (Kind::Libraries, 8),
                (Kind::Libraries, 20),
                (Kind::Stacks, 4),
                (Kind::Libraries, 4),
                (Kind::Stacks, 12),
                (Kind::Other, 64),
            ]
        );
    }

    #[test]
    fn a_text_that_reads_otherwise_is_none() {
        assert_eq!(mappings("Rss: 4 kB\n", Path::new("/x"), &[]), None);
        assert_eq!(mappings("what\n", Path::new("/x"), &[]), None);
        assert_eq!(mappings("", Path::new("/x"), &[]), Some(Vec::new()));
    }
}
