//! Connections that make one request each and then keep silent, so that the memory of an idle connection can be read.
//!
//! They are opened and asked one after the other, on one thread and without an event loop: nothing is to be measured
//! while they are opened. They are told closed from open when they are looked at, and not before.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use super::connection::{self, connect_error};
use super::{Answers, check::Known, check::Progress};
use crate::workload::{Exchange, Workload};

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// One connection in so many is asked once more, and at least one.
const ASKED_AGAIN_EVERY: usize = 64;

/// Larger than any answer to the request.
const BUFFER_BYTES: usize = 4096;

/// The connections held open to one server.
pub struct Held {
    address: SocketAddr,
    exchange: Exchange,
    known: Known,
    sockets: Vec<TcpStream>,
}

impl Held {
    /// None yet. Each will ask what the first connection of `baseline` asks.
    ///
    /// # Panics
    /// Never: the workload has exchanges.
    #[must_use]
    pub fn new(address: SocketAddr, answers: Answers) -> Held {
        let exchange = Workload::Baseline.script().exchanges.swap_remove(0);
        let known = match answers {
            Answers::Arena => Known::new(&exchange),
            Answers::Floor => Known::floor(&exchange),
        };
        Held {
            address,
            exchange,
            known,
            sockets: Vec::new(),
        }
    }

    /// Opens connections until there are so many; each makes its request and gets a right answer.
    ///
    /// # Errors
    /// When one cannot be opened or is answered wrong.
    pub fn grow(&mut self, connections: usize) -> anyhow::Result<()> {
        while self.sockets.len() < connections {
            let open = |address| -> std::io::Result<TcpStream> {
                let socket = connection::connect(address)?;
                socket.set_nonblocking(false)?;
                socket.set_read_timeout(Some(ANSWER_MAX))?;
                Ok(socket)
            };
            let at = self.sockets.len() + 1;
            let socket = open(self.address)
                .map_err(|error| connect_error(error, self.address))
                .with_context(|| format!("failed to open connection {at} of {connections}"))?;
            self.sockets.push(socket);
            self.ask(at - 1)?;
        }
        Ok(())
    }

    /// Looks at every connection, and asks some of them once more.
    ///
    /// # Errors
    /// When one was closed, received what nobody asked for, or is answered wrong.
    pub fn verify(&mut self) -> anyhow::Result<()> {
        for (index, socket) in self.sockets.iter().enumerate() {
            is_open(socket).with_context(|| self.named(index))?;
        }
        (0..self.sockets.len())
            .step_by(ASKED_AGAIN_EVERY)
            .try_for_each(|index| self.ask(index))
    }

    fn ask(&mut self, index: usize) -> anyhow::Result<()> {
        let result = asked(&self.sockets[index], &self.exchange, &mut self.known);
        result.with_context(|| self.named(index))
    }

    fn named(&self, index: usize) -> String {
        format!(
            "failed to use idle connection {} of {}",
            index + 1,
            self.sockets.len()
        )
    }
}

fn is_open(socket: &TcpStream) -> anyhow::Result<()> {
    socket.set_nonblocking(true)?;
    let looked = socket.peek(&mut [0]);
    socket.set_nonblocking(false)?;
    match looked {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
        Ok(0) => bail!("the server closed it"),
        Ok(_) => bail!("the server sent what nobody asked for"),
    }
}

fn asked(mut socket: &TcpStream, exchange: &Exchange, known: &mut Known) -> anyhow::Result<()> {
    socket.write_all(&exchange.bytes)?;
    let mut progress = Progress::default();
    let mut buffer = [0; BUFFER_BYTES];
    loop {
        let count = socket.read(&mut buffer)?;
        if count == 0 {
            bail!("the server closed it without an answer");
        }
        let findings = known.check(&mut progress, &buffer[..count]);
        if let Some((_, sentence)) = findings.wrong.into_iter().next() {
            bail!(sentence);
        }
        if let Some(sentence) = findings.broken {
            bail!(sentence);
        }
        if findings.right > 0 {
            return Ok(());
        }
    }
}

/// Pairs of sockets of which this process holds both ends and on which nobody waits: what the kernel needs for any
/// connection.
#[derive(Debug, Default)]
pub struct Bare {
    pairs: Vec<(TcpStream, TcpStream)>,
}

impl Bare {
    /// Opens pairs until there are so many.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn grow(&mut self, connections: usize) -> anyhow::Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("failed to listen")?;
        let address = listener.local_addr().context("failed to listen")?;
        while self.pairs.len() < connections {
            let ours =
                connection::connect(address).map_err(|error| connect_error(error, address))?;
            let (theirs, _) = listener
                .accept()
                .context("failed to accept a connection of our own")?;
            self.pairs.push((ours, theirs));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each request with these answers, one per connection it accepts, and then does `last`.
    fn server(answers: &'static [&'static str], last: fn(TcpStream)) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for content in answers {
                let (mut socket, _) = listener.accept().unwrap();
                let _request = socket.read(&mut [0; 1024]).unwrap();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}",
                    content.len()
                );
                socket.write_all(answer.as_bytes()).unwrap();
                open.push(socket);
            }
            open.into_iter().for_each(last);
        });
        address
    }

    /// Reads on until the peer closes.
    fn stay(mut socket: TcpStream) {
        std::io::copy(&mut socket, &mut std::io::sink()).unwrap_or_default();
    }

    #[test]
    fn every_connection_is_asked_once_and_a_wrong_answer_is_told() {
        let mut held = Held::new(server(&["55", "55", "56"], stay), Answers::Arena);
        held.grow(2).unwrap();
        let error = format!("{:#}", held.grow(3).unwrap_err());
        assert!(
            error.contains("connection 3 of 3") && error.contains("`56`"),
            "{error}"
        );
    }

    #[test]
    fn a_connection_that_the_server_closed_is_told() {
        let mut held = Held::new(server(&["ok", "ok"], drop), Answers::Floor);
        held.grow(2).unwrap();
        // The end arrives after the answers did.
        let error = loop {
            match held.sockets[1].peek(&mut [0]) {
                Ok(0) => break format!("{:#}", held.verify().unwrap_err()),
                _ => std::thread::yield_now(),
            }
        };
        assert!(
            error.contains("connection 1 of 2: the server closed it"),
            "{error}"
        );
    }

    #[test]
    fn what_nobody_asked_for_is_told() {
        let mut held = Held::new(
            server(&["55"], |mut socket| {
                socket.read_exact(&mut [0]).unwrap();
                socket.write_all(b"more").unwrap();
                stay(socket);
            }),
            Answers::Arena,
        );
        held.grow(1).unwrap();
        held.sockets[0].write_all(b"!").unwrap();
        while held.sockets[0].peek(&mut [0]).is_err() {}
        let error = format!("{:#}", held.verify().unwrap_err());
        assert!(error.contains("nobody asked for"), "{error}");
    }

    #[test]
    fn bare_pairs_are_open_at_both_ends() {
        let mut bare = Bare::default();
        bare.grow(3).unwrap();
        bare.grow(2).unwrap();
        assert_eq!(bare.pairs.len(), 3);
        assert!(
            bare.pairs
                .iter()
                .all(|(ours, theirs)| is_open(ours).is_ok() && is_open(theirs).is_ok())
        );
    }
}
