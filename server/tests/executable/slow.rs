//! Readers that are too slow are got rid of, with what the kernel holds for them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

use super::running::*;

/// A client with room for little.
fn narrow(address: std::net::SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(2_048).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// One answer that the kernel takes as a whole, and more of them than it takes: in the first case nothing is pending in the
/// worker, and the connection is idle.
#[test]
fn who_reads_nothing_is_reset_also_where_the_kernel_took_everything() {
    let (mut child, address) = start(&[
        "--workers=1",
        "--limit=idle-timeout-ms=300",
        "--limit=send-timeout-ms=300",
        "--limit=linger-timeout-ms=10",
        "--limit=send-bytes-per-s-min=1000000",
    ]);
    for answers in [1, 100] {
        let mut client = narrow(address);
        client
            .write_all(&b"GET /json/50?m=2 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(answers))
            .unwrap();
        let mut gone = [PollFd::new(&client, PollFlags::empty())];
        let timeout = Timespec::try_from(TIMEOUT).unwrap();
        poll(&mut gone, Some(&timeout)).unwrap();
        assert!(
            gone[0].revents().contains(PollFlags::HUP),
            "{answers} answers"
        );
        let ended = client.read_to_end(&mut Vec::new());
        assert_eq!(
            ended.unwrap_err().kind(),
            ErrorKind::ConnectionReset,
            "{answers} answers"
        );
    }
    child.terminate();
    assert!(child.wait().unwrap().success());
}
