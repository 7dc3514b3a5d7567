//! Serving until a signal says to stop, and telling what happens: the caller, and the service manager.

use orthant_core::Handler;

use crate::error::Error;
use crate::manager::Manager;
use crate::options::Options;
use crate::server::Server;
use crate::signals::{ServeSignals, Told};

/// What happened to a server that serves until a signal says to stop.
#[derive(Debug)]
pub enum Event<'a> {
    /// It listens, and all workers are ready.
    Listening(&'a Server),
    /// SIGHUP came, by which one asks for logs to be opened anew: the access log is, and nothing else takes notice of it.
    Hangup,
    /// It stops listening, and finishes what is under way: the first SIGTERM or SIGINT came, or a worker failed.
    Stopping,
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way. SIGHUP opens the access log anew. Where a service manager waits to
/// be told (NOTIFY_SOCKET, sd_notify(3)), it is.
///
/// # Errors
/// What is missing to start, or the first worker's failure; each says what to do.
pub fn serve<H>(options: Options, handler: H) -> Result<(), Error>
where
    H: Handler + Clone + Send + 'static,
{
    serve_with(options, handler, |_| {})
}

/// The same; tells what happens, on the thread that called it.
///
/// # Errors
/// As `serve`.
pub fn serve_with<H>(
    options: Options,
    handler: H,
    mut on_event: impl FnMut(Event<'_>),
) -> Result<(), Error>
where
    H: Handler + Clone + Send + 'static,
{
    let mut signals = ServeSignals::new().map_err(|source| Error::Start {
        what: "wait for signals",
        source,
    })?;
    let manager = Manager::of_this_process();
    let handle = signals.handle();
    let mut server = Server::start_then(options, handler, move || handle.close())?;
    log::info!("{server}");
    on_event(Event::Listening(&server));
    server.begin_logs();
    manager.ready();
    // Without a signal it ends where a worker has.
    let hangups = signals.told().take_while(|told| *told == Told::Hangup);
    for _ in hangups {
        log::info!("told to open logs anew (SIGHUP)");
        manager.reloading();
        server.reopen_logs();
        on_event(Event::Hangup);
        manager.ready();
    }
    log::info!("stopping: finishing what is under way");
    manager.stopping();
    on_event(Event::Stopping);
    server.stop()?;
    server.wait()?;
    log::info!("stopped");
    Ok(())
}
