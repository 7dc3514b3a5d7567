//! `--peer`: servers of others as arms, for every command that takes arms.

use anyhow::{Result, ensure};

use crate::arm::{Arm, Commanded};
use crate::axes::Axes;

/// Arguments of every command that takes arms.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Peers {
    /// A server of others as an arm of this name; repeat it for more. The command is told where to listen: {port},
    /// {address} (127.0.0.1 and that port), {workers} (1) and {app} (arena, or what `check` plays) are replaced in it. It
    /// stays in the foreground, and all its processes count. It needs the routes that a workload asks for; a wrong answer
    /// is quoted, and makes the cell invalid
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    peers: Vec<Commanded>,
}

impl Peers {
    /// The arms that are named, each peer among them.
    pub(crate) fn arms(&self, axes: &Axes, names: &[String]) -> Result<Vec<Arm>> {
        for peer in &self.peers {
            ensure!(
                names.contains(&peer.name),
                "failed to find a use for --peer {}: write {} as an arm too",
                peer.name,
                peer.name
            );
        }
        axes.arms(names, &self.peers)
    }

    /// Those that stand beside whatever is chosen by other means than names.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arm> + '_ {
        self.peers.iter().cloned().map(Arm::Commanded)
    }
}
