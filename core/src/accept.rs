//! What an error of accept concerns, so that every backend bears it alike. Numbers only; nothing is accepted here.

use std::io;

/// How long accepting rests where the kernel has no room, at most: a backend tries again as soon as a connection ends.
pub const REST_MS: u64 = 100;

/// What an error of accept concerns (accept(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The connection that would have been. The next one may be there already.
    Connection,
    /// The listener, which will never accept any more.
    Listener,
    /// The time: there is no room for a descriptor now, or nothing that is known. In a while it may be better.
    Now,
}

impl Refused {
    /// By the number of the error.
    pub fn of(error: i32) -> Refused {
        match error {
            libc::EBADF | libc::EINVAL | libc::ENOTSOCK => Refused::Listener,
            // Linux tells what the network has said of the connection already.
            libc::ENETDOWN | libc::EPROTO | libc::ENOPROTOOPT | libc::EHOSTDOWN | libc::ENONET => {
                Refused::Connection
            }
            libc::EHOSTUNREACH | libc::EOPNOTSUPP | libc::ENETUNREACH | libc::ECONNABORTED => {
                Refused::Connection
            }
            libc::EINTR => Refused::Connection,
            _ => Refused::Now,
        }
    }
}

impl From<&io::Error> for Refused {
    fn from(error: &io::Error) -> Refused {
        Refused::of(error.raw_os_error().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_last_is_not_retried_at_once() {
        let of = |error| Refused::from(&io::Error::from_raw_os_error(error));
        assert_eq!(of(libc::ECONNABORTED), Refused::Connection);
        assert_eq!(of(libc::EBADF), Refused::Listener);
        // No room, and a filter that forbids accepting altogether.
        for error in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EPERM] {
            assert_eq!(of(error), Refused::Now);
        }
    }
}
