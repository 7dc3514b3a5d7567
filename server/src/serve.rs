//! Serving until a signal says to stop.

use orthant_core::Handler;

use crate::error::Error;
use crate::options::Options;
use crate::server::Server;
use crate::signals::StopSignals;

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
///
/// # Errors
/// What is missing to start, or the first worker's failure; each says what to do.
pub fn serve<H>(options: Options, handler: H) -> Result<(), Error>
where
    H: Handler + Clone + Send + 'static,
{
    serve_announced(options, handler, |_| {})
}

/// The same; tells of the server once it listens.
///
/// # Errors
/// As `serve`.
pub fn serve_announced<H>(
    options: Options,
    handler: H,
    announce: impl FnOnce(&Server),
) -> Result<(), Error>
where
    H: Handler + Clone + Send + 'static,
{
    let mut signals = StopSignals::new().map_err(|source| Error::Start {
        what: "wait for signals",
        source,
    })?;
    let handle = signals.handle();
    let server = Server::start_then(options, handler, move || handle.close())?;
    announce(&server);
    signals.wait();
    server.stop()?;
    server.wait()
}
