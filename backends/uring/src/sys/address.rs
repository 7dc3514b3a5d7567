//! The address of a peer as the kernel writes it: `struct sockaddr_in` (ip(7)) and `struct sockaddr_in6` (ipv6(7)).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Bytes that hold an address of any family: `struct sockaddr_storage`.
const BYTES_MAX: usize = 128;

/// One address.
#[repr(C, align(8))]
pub(super) struct Address {
    bytes: [u8; BYTES_MAX],
    length: libc::socklen_t,
}

impl Default for Address {
    fn default() -> Address {
        Address {
            bytes: [0; BYTES_MAX],
            length: 0,
        }
    }
}

impl Address {
    /// Where the kernel writes the address, and where it finds and leaves its length.
    pub(super) fn written_to(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        *self = Address::default();
        self.length = BYTES_MAX as libc::socklen_t;
        (self.bytes.as_mut_ptr().cast(), &raw mut self.length)
    }

    /// What was written, if it is an address of IP.
    pub(super) fn decoded(&self) -> Option<SocketAddr> {
        let (family, rest) = self.bytes.split_first_chunk()?;
        let (port, rest) = rest.split_first_chunk()?;
        let port = u16::from_be_bytes(*port);
        match i32::from(u16::from_ne_bytes(*family)) {
            libc::AF_INET => {
                let octets: &[u8; 4] = rest.first_chunk()?;
                Some((Ipv4Addr::from(*octets), port).into())
            }
            libc::AF_INET6 => {
                let (flow, rest) = rest.split_first_chunk()?;
                let (octets, rest) = rest.split_first_chunk::<16>()?;
                let (flow, scope) = (u32::from_ne_bytes(*flow), rest.first_chunk()?);
                let scope = u32::from_ne_bytes(*scope);
                let address = SocketAddrV6::new(Ipv6Addr::from(*octets), port, flow, scope);
                Some(address.into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(socket: SocketAddr) -> Option<SocketAddr> {
        let mut address = Address::default();
        let mut bytes = Vec::new();
        match socket {
            SocketAddr::V4(v4) => {
                bytes.extend((libc::AF_INET as u16).to_ne_bytes());
                bytes.extend(v4.port().to_be_bytes());
                bytes.extend(v4.ip().octets());
            }
            SocketAddr::V6(v6) => {
                bytes.extend((libc::AF_INET6 as u16).to_ne_bytes());
                bytes.extend(v6.port().to_be_bytes());
                bytes.extend(v6.flowinfo().to_ne_bytes());
                bytes.extend(v6.ip().octets());
                bytes.extend(v6.scope_id().to_ne_bytes());
            }
        }
        address.bytes[..bytes.len()].copy_from_slice(&bytes);
        address.decoded()
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        for text in ["192.0.2.1:258", "[2001:db8::1]:65534"] {
            let socket = text.parse().unwrap();
            assert_eq!(decoded(socket), Some(socket));
        }
        let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 2, 3).into();
        assert_eq!(decoded(scoped), Some(scoped));
        assert_eq!(
            Address::default().decoded(),
            None,
            "a peer without an address"
        );
    }
}
