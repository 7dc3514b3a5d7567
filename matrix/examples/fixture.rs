//! A server for the matrix's own tests: keeps the start contract and answers `/baseline11` and `/pipeline`, one thread
//! per connection. The name it is started under says what is wrong with it: `wrong` adds one to every sum, `slow` burns
//! CPU time, `leaving` ends after some answers, `impatient` closes each connection after one, `keeping` keeps what its
//! clients have closed, `leaking` some memory of every answer, `calling` asks the kernel three times more for each answer,
//! `allocating` asks for 100 bytes three times more, `dying` and `refusing` end before they listen, `floor` calls itself
//! `epoll+floor` and always answers `ok`, `honest` does none of this. Any handicap makes it `slow`, unless it is `deaf`. All
//! of them count their allocations.
//!
//! It is a test's opponent, not an example of a server.

#[path = "fixture/sys.rs"]
mod sys;

use std::io::{self, BufRead, BufReader, Read, Write, stdout};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};

/// `leaving` ends after this many answers: some rounds into the first launch.
const ANSWERS_BEFORE_LEAVING: u64 = 2_000;

/// `slow` computes this many numbers per answer, many times what an answer costs otherwise.
const SLOW_NUMBERS: u64 = 160_000;

/// `leaking` loses so much with every answer.
const LEAK_BYTES: usize = 4096;

/// `calling` and `allocating` do what they do so often.
const TIMES_MORE: u32 = 3;

#[global_allocator]
static COUNTED: sys::Counting = sys::Counting;

static ANSWERS: AtomicU64 = AtomicU64::new(0);

fn main() -> io::Result<()> {
    let name = std::env::args().next().unwrap_or_default();
    let mut name = name.rsplit('/').next().unwrap_or_default().to_owned();
    if name != "deaf" && std::env::args().any(|argument| argument == "--handicap-ns") {
        "slow".clone_into(&mut name);
    }
    match name.as_str() {
        "dying" => {
            eprintln!("the fixture is dying as it was told");
            std::process::exit(1);
        }
        "refusing" => {
            eprintln!("the fixture refuses this machine");
            std::process::exit(2);
        }
        _ => {}
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != "--listen");
    let address = arguments.nth(1).unwrap_or("127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address)?;
    let announced = if name == "floor" {
        "epoll+floor"
    } else {
        &name
    };
    println!(
        "fixture {announced} listening on {}, 1 worker",
        listener.local_addr()?
    );
    stdout().flush()?;
    for connection in listener.incoming() {
        let (connection, name) = (connection?, name.clone());
        std::thread::spawn(move || serve(connection, &name));
    }
    Ok(())
}

fn serve(connection: TcpStream, name: &str) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    let mut answers = Vec::new();
    loop {
        let content = match request(&mut reader, name) {
            Ok(Some(content)) => content,
            _ if name == "keeping" => loop {
                std::thread::park();
            },
            ended => return ended.map(drop),
        };
        let length = content.len();
        let kind = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain";
        answers.extend(
            format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{content}")
                .bytes(),
        );
        if reader.buffer().is_empty() {
            writer.write_all(&answers)?;
            answers.clear();
        }
        if name == "leaking" {
            std::mem::forget(vec![1_u8; LEAK_BYTES]);
        }
        if name == "impatient" {
            return Ok(());
        }
        if name == "leaving" && ANSWERS.fetch_add(1, Ordering::Relaxed) == ANSWERS_BEFORE_LEAVING {
            eprintln!("the fixture is leaving as it was told");
            std::process::exit(3);
        }
    }
}

/// Reads a request and gives the answer's content; none at the end of the stream.
fn request(reader: &mut BufReader<TcpStream>, name: &str) -> io::Result<Option<String>> {
    let Some(target) = line(reader)? else {
        return Ok(None);
    };
    let (mut length, mut is_chunked) = (0, false);
    while let Some(field) = line(reader)?.filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once(':').unwrap_or((&field, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            "transfer-encoding" => is_chunked = true,
            _ => {}
        }
    }
    let content = if is_chunked {
        chunks(reader)?
    } else {
        exactly(reader, length)?
    };
    let query = target
        .split_once('?')
        .map(|(_, query)| query.split(' ').next().unwrap_or_default())
        .filter(|_| name != "floor");
    let Some(query) = query else {
        return Ok(Some("ok".to_owned()));
    };
    let of_query = query
        .split('&')
        .filter_map(|pair| pair.split_once('=')?.1.parse::<i64>().ok());
    let sum: i64 = of_query.chain(content.trim().parse()).sum();
    match name {
        "wrong" => Ok(Some((sum + 1).to_string())),
        "slow" => {
            (0..SLOW_NUMBERS).for_each(|number| {
                std::hint::black_box(number);
            });
            Ok(Some(sum.to_string()))
        }
        "calling" => {
            (0..TIMES_MORE).for_each(|_| {
                std::hint::black_box(std::os::unix::process::parent_id());
            });
            Ok(Some(sum.to_string()))
        }
        "allocating" => {
            (0..TIMES_MORE).for_each(|_| drop(std::hint::black_box(Vec::<u8>::with_capacity(100))));
            Ok(Some(sum.to_string()))
        }
        _ => Ok(Some(sum.to_string())),
    }
}

fn chunks(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut content = String::new();
    loop {
        let size = line(reader)?.unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        content += &exactly(reader, size)?;
        line(reader)?;
        if size == 0 {
            return Ok(content);
        }
    }
}

fn exactly(reader: &mut BufReader<TcpStream>, length: usize) -> io::Result<String> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn line(reader: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}
