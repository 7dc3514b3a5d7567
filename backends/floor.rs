//! What the floors of all backends have in common: how they start, how they count heads, what they answer. It is no part
//! of any package; each floor includes it.

use std::io::{self, Write};
use std::net::TcpListener;

use memchr::memmem;

/// The answer, as short as a correct one gets: 66 bytes.
const ANSWER: &[u8; 66] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// How many answers go out in one piece at most.
const BLOCK: usize = 64;

static ANSWERS: [u8; 66 * BLOCK] = {
    let mut answers = [0; 66 * BLOCK];
    let mut at = 0;
    while at < answers.len() {
        answers[at] = ANSWER[at % 66];
        at += 1;
    }
    answers
};

/// Listens as the command line says (`--listen ADDRESS --workers 1`), and says so on standard output.
pub(crate) fn listen(backend: &str) -> io::Result<TcpListener> {
    let mut address = "127.0.0.1:8080".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--listen", Some(value)) => address = value,
            ("--workers", Some(value)) if value == "1" => {}
            _ => {
                eprintln!("usage: floor [--listen ADDRESS:PORT] [--workers 1]");
                std::process::exit(2);
            }
        }
    }
    let listener = TcpListener::bind(&address)?;
    println!(
        "orthant {backend}+floor listening on {}, 1 worker",
        listener.local_addr()?
    );
    io::stdout().flush()?;
    Ok(listener)
}

/// Counts the ends of heads in what a connection receives.
#[derive(Default)]
pub(crate) struct Heads {
    /// The last bytes received, where they may be the beginning of an end.
    begun: [u8; 6],
    begun_bytes: usize,
}

impl Heads {
    /// How many heads end in `bytes`. The end of chunked content looks the same, but for the size 0 before it.
    pub(crate) fn count(&mut self, bytes: &[u8]) -> usize {
        let joined;
        let text = if self.begun_bytes == 0 {
            bytes
        } else {
            joined = [&self.begun[..self.begun_bytes], bytes].concat();
            &joined
        };
        let (mut count, mut end) = (0, 0);
        for at in memmem::find_iter(text, b"\r\n\r\n") {
            count += usize::from(!text[..at].ends_with(b"\r\n0"));
            end = at + 4;
        }
        let rest = &text[end.max(text.len().saturating_sub(self.begun.len()))..];
        self.begun_bytes = if memchr::memchr(b'\r', rest).is_some() {
            rest.len()
        } else {
            0
        };
        self.begun[..self.begun_bytes].copy_from_slice(&rest[..self.begun_bytes]);
        count
    }
}

/// The answers that a connection is owed.
#[derive(Default)]
pub(crate) struct Answers {
    owed_bytes: usize,
    /// How much of the first of them has been sent.
    begun: usize,
}

impl Answers {
    /// Owes so many more.
    pub(crate) fn owe(&mut self, answers: usize) {
        self.owed_bytes += answers * ANSWER.len();
    }

    /// The bytes to send next.
    pub(crate) fn pending(&self) -> Option<&'static [u8]> {
        let most = ANSWERS.len() - self.begun;
        (self.owed_bytes > 0).then(|| &ANSWERS[self.begun..][..self.owed_bytes.min(most)])
    }

    /// So many of them are sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.owed_bytes -= bytes;
        self.begun = (self.begun + bytes) % ANSWER.len();
    }
}
