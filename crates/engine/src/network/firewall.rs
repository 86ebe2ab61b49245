//! The packet filter's rules stay, whatever the host's own firewall does.

use crate::Engine;

impl Engine {
    /// Lays our rules down again whenever somebody removed them (`nft flush ruleset`, a firewall that reloads), on a
    /// thread that ends with the process.
    pub(crate) fn keep_ruleset(&self) {
        let engine = self.clone();
        let watch = move || {
            let watch = match engine.inner.network.watch_ruleset() {
                Ok(watch) => watch,
                Err(error) => {
                    tracing::warn!(%error, "a flush of the host's firewall will be repaired at the next start only");
                    return;
                }
            };
            loop {
                if let Err(error) = watch.wait() {
                    tracing::error!(%error, "a flush of the host's firewall will not be noticed any more");
                    return;
                }
                match engine.inner.network.repair_ruleset() {
                    Ok(true) => tracing::warn!(
                        "the rules of published ports and networks were removed from outside and laid down again"
                    ),
                    Ok(false) => {}
                    Err(error) => tracing::error!(%error, "removed rules could not be laid down again"),
                }
            }
        };
        let started =
            std::thread::Builder::new().name("firewall-watch".into()).stack_size(256 << 10).spawn(watch);
        if let Err(error) = started {
            tracing::warn!(%error, "a flush of the host's firewall will be repaired at the next start only");
        }
    }
}
