//! Time, as the backend hands it to the core: the core has no clock of its own. Also the `Date` field that follows
//! from it, rendered once per second and not once per answer.

/// One reading of the clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// A clock that never goes back, milliseconds since any fixed point.
    pub monotonic_ms: u64,
    /// Seconds since 1970-01-01 UTC.
    pub unix_s: u64,
}

/// `HTTP/1.1 200 OK` and the `Date` field: how nearly every answer begins, ready to be copied in one piece.
#[derive(Debug)]
pub(crate) struct Opening {
    unix_s: u64,
    bytes: [u8; STATUS_LINE.len() + DATE_FIELD_BYTES],
}

const STATUS_LINE: &[u8; 17] = b"HTTP/1.1 200 OK\r\n";
const DATE_FIELD_BYTES: usize = 37;
const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

impl Opening {
    pub(crate) fn new(unix_s: u64) -> Opening {
        let mut bytes = [0; STATUS_LINE.len() + DATE_FIELD_BYTES];
        let (line, date) = bytes.split_at_mut(STATUS_LINE.len());
        line.copy_from_slice(STATUS_LINE);
        date.copy_from_slice(&date_field(unix_s));
        Opening { unix_s, bytes }
    }

    /// Renders the date anew when the second has changed.
    pub(crate) fn turn(&mut self, unix_s: u64) {
        if unix_s != self.unix_s {
            *self = Opening::new(unix_s);
        }
    }

    /// The status line of a 200 and the `Date` field.
    pub(crate) fn ok(&self) -> &[u8; STATUS_LINE.len() + DATE_FIELD_BYTES] {
        &self.bytes
    }

    /// The `Date` field alone, its line end included.
    pub(crate) fn date(&self) -> &[u8] {
        &self.bytes[STATUS_LINE.len()..]
    }
}

/// The field line `Date: Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 §5.6.7).
fn date_field(unix_s: u64) -> [u8; DATE_FIELD_BYTES] {
    let days = unix_s / 86_400;
    let (year, month, day) = civil(days);
    let mut field = *b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
    field[6..9].copy_from_slice(DAYS[(days % 7) as usize]);
    two_digits(&mut field[11..13], day);
    field[14..17].copy_from_slice(MONTHS[(month - 1) as usize]);
    two_digits(&mut field[18..20], year / 100);
    two_digits(&mut field[20..22], year % 100);
    two_digits(&mut field[23..25], unix_s / 3_600 % 24);
    two_digits(&mut field[26..28], unix_s / 60 % 60);
    two_digits(&mut field[29..31], unix_s % 60);
    field
}

fn two_digits(into: &mut [u8], value: u64) {
    into[0] = b'0' + (value / 10 % 10) as u8;
    into[1] = b'0' + (value % 10) as u8;
}

/// Year, month and day of a day counted from 1970-01-01, after H. Hinnant, "chrono-compatible low-level date algorithms":
/// years begin in March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(unix_s: u64) -> String {
        String::from_utf8(Opening::new(unix_s).date().to_vec()).unwrap()
    }

    #[test]
    fn dates_are_imf_fixdates() {
        assert_eq!(date(0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
        assert_eq!(date(784_111_777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"); // RFC 9110 §5.6.7
        assert_eq!(date(951_782_399), "Date: Mon, 28 Feb 2000 23:59:59 GMT\r\n");
        assert_eq!(date(951_782_400), "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n");
        assert_eq!(
            date(4_107_542_399),
            "Date: Sun, 28 Feb 2100 23:59:59 GMT\r\n"
        );
        assert_eq!(
            date(4_107_542_400),
            "Date: Mon, 01 Mar 2100 00:00:00 GMT\r\n"
        );
    }

    #[test]
    fn the_opening_turns_with_the_second() {
        let mut opening = Opening::new(59);
        opening.turn(60);
        assert_eq!(opening.date(), b"Date: Thu, 01 Jan 1970 00:01:00 GMT\r\n");
        assert_eq!(&opening.ok()[..17], STATUS_LINE);
    }
}
