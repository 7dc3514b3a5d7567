//! How a server is to run.

use std::net::{Ipv4Addr, SocketAddr};

use orthant_core::Limits;

use crate::access::AccessLog;
use crate::design::Tuning;
use crate::listen::Listen;

/// How a server is to run. The default listens on 127.0.0.1:8080 with a worker for each CPU it may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// How many workers; `None` is one for each CPU in the affinity mask of the process.
    pub workers: Option<usize>,
    /// The address that answers `/metrics` in OpenMetrics text and `/healthz`, on a thread of its own; `None` for none.
    pub admin: Option<SocketAddr>,
    /// A line for each request, written by a thread of its own; `None` for none.
    pub access_log: Option<AccessLog>,
    /// What clients may do, and for how long.
    pub limits: Limits,
    /// The backend's own settings.
    pub tuning: Tuning,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)).into()],
            workers: None,
            admin: None,
            access_log: None,
            limits: Limits::DEFAULT,
            tuning: Tuning::default(),
        }
    }
}
