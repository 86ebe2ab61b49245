//! The contents of volumes, in rounds, to a target or from it.

use super::Moving;
use crate::ashore::archive;
use sampan_error::{Context, Error, Result};
use sampan_provider::{Seed, SeedRequest, SeedRole, Volume};
use sampan_seed::{Receiver, Round, Sender};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use tokio_util::io::SyncIoBridge;

/// Rounds while it runs end when one carried less than this.
const LITTLE: u64 = 1 << 20;
/// There are no more of them than this.
const MOST_ROUNDS: usize = 5;
/// Bytes that go into a stream at once.
const PIECE: usize = 256 * 1024;

/// A transfer that is open.
pub(super) struct Transfer(Option<Open>);

struct Open {
    end: End,
    from: Box<dyn Read + Send>,
    to: Box<dyn Write + Send>,
}

enum End {
    Away(Sender),
    Home(Receiver),
}

impl Transfer {
    /// What changed since the last round; `live` says that somebody may be writing.
    pub(super) async fn round(&mut self, live: bool) -> Result<Round> {
        let mut open = self.0.take().ok_or_else(|| Error::internal("a transfer is used after it broke"))?;
        let done = crate::fleet::blocking(move || {
            let round = match &mut open.end {
                End::Away(sender) => sender.round(live, &mut open.from, &mut open.to),
                End::Home(receiver) => receiver.fetch(live, &mut open.from, &mut open.to),
            };
            Ok((open, round))
        });
        let (open, round) = done.await?;
        let round = round.context("the volumes could not be brought over")?;
        self.0 = Some(open);
        Ok(round)
    }
}

impl Moving<'_> {
    /// Opens a transfer between folders here and the volumes at the target.
    pub(super) async fn transfer(
        &self,
        volumes: &[Volume],
        folders: Vec<PathBuf>,
        role: SeedRole,
    ) -> Result<Transfer> {
        let program = self.engine().own_program().await?;
        let file = archive::write(self.engine(), vec![program.clone()], Default::default()).await?;
        let request = SeedRequest {
            service: self.voyage.name.clone(),
            volumes: volumes.to_vec(),
            role,
            image_id: program,
            archive: file.path(),
        };
        let Seed { output, input } = self.provider.seed(&request).await?;
        let from: Box<dyn Read + Send> = Box::new(BufReader::with_capacity(PIECE, SyncIoBridge::new(output)));
        let to: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(PIECE, SyncIoBridge::new(input)));
        let open = crate::fleet::blocking(move || {
            let end = match role {
                SeedRole::Receive => End::Away(Sender::new(&folders).context("a volume cannot be read")?),
                SeedRole::Send => End::Home(Receiver::new(&folders).context("a volume cannot be written")?),
            };
            Ok(Open { end, from, to })
        });
        Ok(Transfer(Some(open.await?)))
    }

    /// Rounds while it runs, until what changes in one is little or grows no smaller.
    pub(super) async fn copy_before(&self, transfer: &mut Transfer) -> Result<()> {
        let mut last = u64::MAX;
        for number in 1..=MOST_ROUNDS {
            let round = transfer.round(true).await?;
            self.report.say(format!(
                "round {number}: {} of {} files changed, {} bytes of {}",
                round.changed, round.files, round.sent, round.bytes
            ));
            if round.sent < LITTLE || round.sent >= last {
                break;
            }
            last = round.sent;
        }
        Ok(())
    }

    /// The last round, of what changed since, after all writing has ended.
    pub(super) async fn copy_rest(&self, transfer: &mut Transfer) -> Result<()> {
        let round = transfer.round(false).await?;
        let digest = round.digest.get(..12).unwrap_or_default();
        self.report.say(format!(
            "last round: {} of {} files changed, {} bytes of {}; both sides have {digest}",
            round.changed, round.files, round.sent, round.bytes
        ));
        Ok(())
    }
}

/// Each volume once, whatever places it has in the container.
pub(super) fn once(volumes: &[Volume]) -> Vec<Volume> {
    let mut all: Vec<Volume> = Vec::new();
    for volume in volumes {
        if all.iter().all(|known| known.name != volume.name) {
            all.push(volume.clone());
        }
    }
    all
}
