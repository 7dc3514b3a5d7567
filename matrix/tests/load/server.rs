//! A small arena server for the tests of the load generator: one thread per connection, faults on demand.
//!
//! It counts what it does, so that a test can hold the generator's counts against it.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

/// What a server does with one request.
pub(crate) enum Reply {
    /// Sends these bytes, together with what else the same read asked for.
    Bytes(Vec<u8>),
    /// Sends these bytes one at a time.
    Trickle(Vec<u8>),
    /// Sends these bytes and closes the connection.
    Last(Vec<u8>),
    /// Sends nothing.
    Silence,
}

/// One request, as far as a reply depends on it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) target: &'a str,
    /// The content, if any.
    pub(crate) content: &'a str,
    /// Counts the requests of the whole server, from 1.
    pub(crate) number: u64,
    /// Counts the connections of the server, from 1.
    pub(crate) connection: u64,
}

/// A server that runs until the test's process ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Server {
    pub(crate) fn start(reply: impl Fn(Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (server.requests.clone(), server.connections.clone());
        let reply = Arc::new(reply);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = connections.fetch_add(1, SeqCst) + 1;
                let (requests, reply) = (requests.clone(), reply.clone());
                // An error is a client that went away, as the load generator does.
                thread::spawn(move || serve(stream.unwrap(), connection, &requests, &*reply));
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(SeqCst)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(SeqCst)
    }
}

fn serve(
    mut stream: TcpStream,
    connection: u64,
    requests: &AtomicU64,
    reply: &dyn Fn(Asked) -> Reply,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = String::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        received.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        let mut answers = Vec::new();
        while let Some((head, content, length)) = request(&received) {
            let asked = Asked {
                target: head.split(' ').nth(1).unwrap(),
                content,
                number: requests.fetch_add(1, SeqCst) + 1,
                connection,
            };
            match reply(asked) {
                Reply::Bytes(bytes) => answers.extend(bytes),
                Reply::Trickle(bytes) => bytes
                    .chunks(1)
                    .try_for_each(|byte| stream.write_all(byte))?,
                Reply::Last(bytes) => {
                    answers.extend(bytes);
                    return stream.write_all(&answers);
                }
                Reply::Silence => {}
            }
            received.drain(..length);
        }
        stream.write_all(&answers)?;
    }
}

/// Head, content and length of the first request, if it is whole.
fn request(text: &str) -> Option<(&str, &str, usize)> {
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let head_bytes = head.len() + 4;
    if head.contains("Transfer-Encoding: chunked") {
        let (chunks, _) = rest.split_once("0\r\n\r\n")?;
        let content = chunks.split("\r\n").nth(1)?;
        Some((head, content, head_bytes + chunks.len() + 5))
    } else if let Some((_, length)) = head.split_once("Content-Length: ") {
        let length = length.split("\r\n").next()?.parse().ok()?;
        Some((head, rest.get(..length)?, head_bytes + length))
    } else {
        Some((head, "", head_bytes))
    }
}

/// The right answer of the arena application.
pub(crate) fn right(asked: Asked) -> Vec<u8> {
    answer(&content(asked))
}

pub(crate) fn content(asked: Asked) -> String {
    match asked.target.strip_prefix("/json/") {
        Some(document) => {
            let (count, m) = document.split_once("?m=").unwrap();
            json(count.parse().unwrap(), m.parse().unwrap())
        }
        None if asked.target == "/pipeline" => "ok".into(),
        None => (55 + asked.content.parse().unwrap_or(0)).to_string(),
    }
}

pub(crate) fn answer(content: &str) -> Vec<u8> {
    let length = content.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length:5}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{content}").into()
}

fn json(count: i64, m: i64) -> String {
    let items: Vec<String> = (1..=count)
        .map(|id| {
            let (price, quantity) = (id * 7, id + 3);
            format!(
                r#"{{"id":{id},"name":"n","category":"c","price":{price},"quantity":{quantity},"active":true,"tags":["a","b"],"rating":{{"score":1,"count":2}},"total":{}}}"#,
                price * quantity * m
            )
        })
        .collect();
    format!(r#"{{"items":[{}],"count":{count}}}"#, items.join(","))
}
