//! What a server prints: the line that says where it listens, and its last words.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{ChildStderr, ChildStdout};
use std::sync::mpsc;

use anyhow::{Result, anyhow};

/// This much of its stderr is kept.
const WORDS_BYTES_MAX: u64 = 4096;

/// The name and the address in `orthant uring+split+mimalloc listening on 127.0.0.1:41233, 1 worker`.
pub(super) fn announced_in(line: &str) -> Result<(String, SocketAddr)> {
    let announced = line
        .split_once("listening on ")
        .and_then(|(before, after)| {
            let name = before.split_whitespace().last().unwrap_or_default();
            let address = after.split([',', ' ', '\n']).next()?.parse().ok()?;
            Some((name.to_owned(), address))
        });
    announced.ok_or_else(|| {
        anyhow!("its first line is {line:?}, expected one like `NAME listening on 127.0.0.1:41233, 1 worker`")
    })
}

/// Sends the first line, empty at the end of the stream; then reads on, so that the server never blocks on a full pipe.
pub(super) fn read_line_of(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        // A line that is no UTF-8 is as good as none.
        let _ = reader.read_line(&mut line);
        // It fails when the server was given up, by the time-out or the caller: then nobody is left to tell.
        let _ = sender.send(line);
        // An error ends the stream as its end would, and with it the need to read on.
        let _ = std::io::copy(&mut reader, &mut std::io::sink());
    });
    receiver
}

pub(super) fn words_of(mut stderr: ChildStderr) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut words = Vec::new();
        // What could be read before an error is all there is.
        let _ = stderr
            .by_ref()
            .take(WORDS_BYTES_MAX)
            .read_to_end(&mut words);
        // It fails when the server was stopped and dropped, as nearly all are: then nobody asks for its last words.
        let _ = sender.send(String::from_utf8_lossy(&words).into_owned());
        // An error ends the stream as its end would, and with it the need to read on.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_address_are_read_from_the_line() {
        let announced = |line| {
            announced_in(line)
                .map(|(name, address)| (name, address.port()))
                .ok()
        };
        let found = |name: &str, port| Some((name.to_owned(), port));
        assert_eq!(
            announced("orthant uring+floor listening on 127.0.0.1:41233, 1 worker\n"),
            found("uring+floor", 41233)
        );
        assert_eq!(announced("a listening on 127.0.0.1:5\n"), found("a", 5));
        assert_eq!(announced("listening on 127.0.0.1:5\n"), found("", 5));
        assert_eq!(announced("hello\n"), None);
        assert_eq!(announced("listening on nowhere"), None);
    }
}
