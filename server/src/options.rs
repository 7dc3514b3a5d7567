//! How a server is to run.

use std::net::{Ipv4Addr, SocketAddr};

use orthant_core::Limits;

use crate::design::Tuning;

/// How a server is to run. The default listens on 127.0.0.1:8080 with a worker for each CPU it may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many workers; `None` is one for each CPU in the affinity mask of the process.
    pub workers: Option<usize>,
    /// What clients may do, and for how long.
    pub limits: Limits,
    /// The backend's own settings.
    pub tuning: Tuning,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            workers: None,
            limits: Limits::DEFAULT,
            tuning: Tuning::default(),
        }
    }
}
