//! What is kept of a request until its line is written: some numbers, and the bytes of its method and its target, all packed
//! into words. How a line looks is decided by the writer, which has the time for it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use orthant_core::{CloseReason, Fault, Version};

use super::queue::RECORD_WORDS_MAX;
use crate::format::Line;

/// The most bytes of a method and of a target that are kept.
const METHOD_BYTES_MAX: usize = 32;
const TARGET_BYTES_MAX: usize = 2 * 1024;

/// Words before the bytes.
const NUMBERS: usize = 9;

const _: () = assert!(NUMBERS + METHOD_BYTES_MAX / 8 + TARGET_BYTES_MAX / 8 <= RECORD_WORDS_MAX);

/// A request that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// On the clock that never goes back.
    pub(super) at_ms: u64,
    pub(super) duration_ms: u64,
    pub(super) connection: u64,
    pub(super) peer: Option<SocketAddr>,
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) version: Option<Version>,
    pub(super) status: Option<u16>,
    pub(super) content_bytes: u64,
    pub(super) fault: Option<Fault>,
    /// The index of the reason for which the answer was cut off.
    pub(super) cut_off: Option<usize>,
}

impl<'a> Record<'a> {
    /// Packs it into `words`, which have room for it once they have been used.
    #[inline]
    pub(super) fn pack(&self, words: &mut Vec<u64>) {
        let method = &self.method[..self.method.len().min(METHOD_BYTES_MAX)];
        let target = &self.target[..self.target.len().min(TARGET_BYTES_MAX)];
        let is_cut = target.len() < self.target.len() || method.len() < self.method.len();
        let version = match self.version {
            None => 0,
            Some(Version::Http10) => 1,
            Some(Version::Http11) => 2,
        };
        let codes = u64::from(self.status.unwrap_or(0))
            | version << 16
            | self.fault.map_or(0, |fault| fault as u64 + 1) << 24
            | self.cut_off.map_or(0, |index| index as u64 + 1) << 32
            | u64::from(is_cut) << 40;
        let (address, port) = match self.peer {
            None => (0, 0),
            Some(peer) => {
                let address = match peer.ip() {
                    IpAddr::V4(address) => address.to_ipv6_mapped(),
                    IpAddr::V6(address) => address,
                };
                (address.to_bits(), 1 << 16 | u64::from(peer.port()))
            }
        };
        words.clear();
        words.extend_from_slice(&[
            self.at_ms,
            self.duration_ms,
            self.connection,
            codes,
            self.content_bytes,
            address as u64,
            (address >> 64) as u64,
            port,
            (method.len() as u64) << 32 | target.len() as u64,
        ]);
        for bytes in [method, target] {
            let (whole, rest) = bytes.as_chunks();
            words.extend(whole.iter().map(|bytes| u64::from_le_bytes(*bytes)));
            if !rest.is_empty() {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                words.push(u64::from_le_bytes(last));
            }
        }
    }

    /// What was packed, with its bytes in `bytes`, and whether some were left out.
    pub(super) fn unpack(words: &[u64], bytes: &'a mut Vec<u8>) -> (Record<'a>, bool) {
        let (numbers, packed) = words.split_at(NUMBERS);
        let codes = numbers[3];
        let code = |shift: u32| (codes >> shift & 0xff) as usize;
        let (method_bytes, target_bytes) =
            ((numbers[8] >> 32) as usize, numbers[8] as u32 as usize);
        bytes.clear();
        bytes.extend(packed.iter().flat_map(|word| word.to_le_bytes()));
        let (method, target) = bytes.split_at(method_bytes.next_multiple_of(8));
        let address = u128::from(numbers[6]) << 64 | u128::from(numbers[5]);
        let address = Ipv6Addr::from_bits(address).to_canonical();
        let status = codes as u16;
        let record = Record {
            at_ms: numbers[0],
            duration_ms: numbers[1],
            connection: numbers[2],
            peer: (numbers[7] != 0).then(|| SocketAddr::new(address, numbers[7] as u16)),
            method: &method[..method_bytes],
            target: &target[..target_bytes],
            version: [None, Some(Version::Http10), Some(Version::Http11)][code(16)],
            status: (status != 0).then_some(status),
            content_bytes: numbers[4],
            fault: code(24).checked_sub(1).map(|index| Fault::ALL[index]),
            cut_off: code(32).checked_sub(1),
        };
        (record, code(40) != 0)
    }

    /// Writes what is known of it; what is not is left out.
    pub(super) fn write(&self, worker: usize, unix_ms: u64, is_cut: bool, mut line: Line<'_>) {
        line.time("time", unix_ms);
        line.number("worker", worker as u64);
        line.number("connection", self.connection);
        if let Some(peer) = self.peer {
            line.word("peer", peer);
        }
        line.bytes("method", self.method);
        line.bytes("target", self.target);
        if is_cut {
            line.number("shortened", 1);
        }
        if let Some(version) = self.version {
            line.word(
                "version",
                match version {
                    Version::Http10 => "1.0",
                    Version::Http11 => "1.1",
                },
            );
        }
        if let Some(status) = self.status {
            line.number("status", u64::from(status));
        }
        line.number("bytes", self.content_bytes);
        line.number("ms", self.duration_ms);
        if let Some(fault) = self.fault {
            line.word("fault", fault.name());
        }
        if let Some(index) = self.cut_off {
            line.word("cut_off", CloseReason::NAMES[index]);
        }
        line.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;

    const RECORD: Record<'static> = Record {
        at_ms: 7,
        duration_ms: 12,
        connection: 1 << 50,
        peer: None,
        method: b"GET",
        target: b"/a?\"b\"",
        version: Some(Version::Http11),
        status: Some(200),
        content_bytes: 1 << 40,
        fault: None,
        cut_off: None,
    };

    #[test]
    fn what_is_packed_comes_back() {
        for record in [
            RECORD,
            Record {
                peer: Some("1.2.3.4:65535".parse().unwrap()),
                version: Some(Version::Http10),
                ..RECORD
            },
            Record {
                peer: Some("[2001:db8::1]:80".parse().unwrap()),
                fault: Some(Fault::Application),
                cut_off: Some(CloseReason::Broken.index()),
                ..RECORD
            },
            Record {
                method: b"\x16\x03\x01\x80",
                target: b"",
                version: None,
                status: None,
                ..RECORD
            },
        ] {
            let (mut words, mut bytes) = (vec![9], Vec::new());
            record.pack(&mut words);
            assert_eq!(Record::unpack(&words, &mut bytes), (record, false));
        }
    }

    #[test]
    fn a_line_is_bounded_however_long_the_target() {
        let target = vec![0xff; 8_000];
        let record = Record {
            method: &target,
            target: &target,
            ..RECORD
        };
        let (mut words, mut bytes) = (Vec::new(), Vec::new());
        record.pack(&mut words);
        assert!(words.len() <= RECORD_WORDS_MAX);
        let (record, is_cut) = Record::unpack(&words, &mut bytes);
        assert_eq!(record.target, &target[..TARGET_BYTES_MAX]);
        let mut text = String::new();
        record.write(0, 0, is_cut, Line::new(&mut text, Format::Json));
        assert!(text.len() < 6 * (TARGET_BYTES_MAX + METHOD_BYTES_MAX) + 512);
        assert!(text.contains(",\"shortened\":1,"));
    }

    #[test]
    fn a_line_says_what_is_known() {
        let text = |record: Record<'_>, format| {
            let mut text = String::new();
            record.write(3, 1_709_251_199_007, false, Line::new(&mut text, format));
            text
        };
        assert_eq!(
            text(RECORD, Format::Logfmt),
            "time=2024-02-29T23:59:59.007Z worker=3 connection=1125899906842624 method=\"GET\" \
             target=\"/a?\\\"b\\\"\" version=1.1 status=200 bytes=1099511627776 ms=12\n"
        );
        let cut = Record {
            peer: Some("[::1]:80".parse().unwrap()),
            status: None,
            version: None,
            fault: Some(Fault::Exhausted),
            cut_off: Some(CloseReason::SlowReader.index()),
            ..RECORD
        };
        let json: serde_json::Value = serde_json::from_str(&text(cut, Format::Json)).unwrap();
        let expected = serde_json::json!({
            "time": "2024-02-29T23:59:59.007Z", "worker": 3, "connection": 1u64 << 50, "peer": "[::1]:80", "method": "GET",
            "target": "/a?\"b\"", "bytes": 1u64 << 40, "ms": 12, "fault": "exhausted", "cut_off": "slow_reader",
        });
        assert_eq!(json, expected);
    }
}
