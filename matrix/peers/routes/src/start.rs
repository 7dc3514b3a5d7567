//! How a peer is started: as the matrix starts designs.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;

/// What the command line says.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// Where it listens; with port 0 the kernel chooses.
    pub listen: SocketAddr,
    /// Threads that serve.
    pub workers: usize,
    /// What is served.
    pub app: App,
}

/// Which routes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// What workloads ask for.
    Arena,
    /// What HTTP test suites expect.
    Probe,
}

/// The arguments of this process; it ends with 2 where they are none.
#[must_use]
pub fn arguments(name: &str) -> Arguments {
    parsed(std::env::args().skip(1)).unwrap_or_else(|| {
        eprintln!("usage: {name} [--listen ADDRESS:PORT] [--workers N] [--app arena|probe]");
        std::process::exit(2);
    })
}

fn parsed(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        workers: 1,
        app: App::Arena,
    };
    while let Some(name) = words.next() {
        match (&name[..], &words.next()?[..]) {
            ("--listen", address) => arguments.listen = address.parse().ok()?,
            ("--workers", count) => {
                arguments.workers = count.parse().ok().filter(|&count| count > 0)?;
            }
            ("--app", "arena") => arguments.app = App::Arena,
            ("--app", "probe") => arguments.app = App::Probe,
            _ => return None,
        }
    }
    Some(arguments)
}

/// Starts a peer whose workers share nothing: a thread and a listener for each, all on the same address. It serves for as
/// long as the process lives.
///
/// # Errors
/// Those of the kernel, and of a worker that ends.
pub fn started(name: &str, serve: fn(TcpListener, App) -> io::Result<()>) -> io::Result<()> {
    let arguments = arguments(name);
    let listeners = listeners(&arguments)?;
    announce(name, listeners[0].local_addr()?, listeners.len())?;
    std::thread::scope(|scope| {
        let workers: Vec<_> = listeners
            .into_iter()
            .map(|listener| scope.spawn(move || serve(listener, arguments.app)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

/// A listener per worker, all on the same address.
fn listeners(arguments: &Arguments) -> io::Result<Vec<TcpListener>> {
    let first = listen(arguments.listen)?;
    let address = first.local_addr()?;
    let others = (1..arguments.workers).map(|_| listen(address));
    std::iter::once(Ok(first)).chain(others).collect()
}

/// One listener, which does not block.
///
/// # Errors
/// Those of the kernel.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Says where it listens.
///
/// # Errors
/// When nobody reads that.
pub fn announce(name: &str, address: SocketAddr, workers: usize) -> io::Result<()> {
    let workers = match workers {
        1 => "1 worker".to_owned(),
        more => format!("{more} workers"),
    };
    println!("{name} listening on {address}, {workers}");
    io::stdout().flush()
}
