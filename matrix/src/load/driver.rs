//! One target: its connections, what is known of its answers, and where its next arrivals come from.
//!
//! It outlives the slices, which `window` drives through it.

use anyhow::{Context, ensure};

use super::{
    Answers, Model, Plan,
    arrivals::Arrivals,
    check::Known,
    connection::{self, Connection, connect_error},
    sys::{self, Epoll, Watch},
};
use crate::workload::Script;

/// What is kept of a target from one slice to the next.
pub(super) struct Driver {
    pub(super) plan: Plan,
    pub(super) script: Script,
    /// Per exchange of the script.
    pub(super) known: Vec<Known>,
    pub(super) connections: Vec<Connection>,
    pub(super) epoll: Epoll,
    /// Arrivals of exchanges; none in a closed loop.
    pub(super) arrivals: Option<Arrivals>,
    /// The connection that the next arrival goes to.
    pub(super) turn: usize,
}

impl Driver {
    /// Opens every connection of the plan.
    pub(super) fn open(plan: Plan) -> anyhow::Result<Driver> {
        ensure!(
            plan.connections > 0,
            "failed to plan a load without connections; ask for at least one"
        );
        let script = plan.workload.script();
        let known = match plan.answers {
            Answers::Floor if !plan.workload.is_of_allocators() => Known::floor,
            Answers::Arena | Answers::Floor => Known::new,
        };
        let mut driver = Driver {
            known: script.exchanges.iter().map(known).collect(),
            arrivals: arrivals(&plan)?,
            turn: 0,
            connections: Vec::with_capacity(plan.connections as usize),
            epoll: Epoll::new().context("failed to make an epoll instance")?,
            plan,
            script,
        };
        for index in 0..driver.plan.connections as usize {
            driver.open_one(index).with_context(|| {
                format!(
                    "failed to open more than {index} of {} connections for {}",
                    driver.plan.connections, driver.plan.workload
                )
            })?;
        }
        Ok(driver)
    }

    fn open_one(&mut self, index: usize) -> anyhow::Result<()> {
        let address = self.plan.address;
        let socket = connection::connect(address).map_err(|error| connect_error(error, address))?;
        self.epoll
            .add(&socket, index, Watch::Reading)
            .context("failed to watch a connection")?;
        self.connections
            .push(Connection::new(socket, self.script.first(index)));
        Ok(())
    }
}

fn arrivals(plan: &Plan) -> anyhow::Result<Option<Arrivals>> {
    let Model::Open { requests_per_s } = plan.model else {
        return Ok(None);
    };
    ensure!(
        requests_per_s.is_finite() && requests_per_s > 0.0,
        "failed to plan an open loop of {requests_per_s} requests per second; ask for more than 0"
    );
    sys::wake_on_time().context("failed to set the timer slack of this thread")?;
    let exchanges_per_s = requests_per_s / f64::from(plan.workload.requests_per_write());
    Ok(Some(Arrivals::new(exchanges_per_s, plan.seed)))
}
