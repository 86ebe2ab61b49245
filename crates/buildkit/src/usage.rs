//! What the cache holds, as `docker buildx du` shows it, and how it is emptied.

use crate::BuildKit;
use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{PruneRequest, UsageRecord};
use sampan_build::{Builder, CacheEntry, Pruning};
use sampan_error::{Error, Result};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::internal("the build cache cannot be read").caused_by(panic))?
}

impl BuildKit {
    /// All entries of the cache.
    pub(crate) async fn usage(&self) -> Result<Vec<UsageRecord>> {
        let builder = Builder::new(&self.engine)?;
        let entries = away(move || builder.cache_entries()).await?;
        Ok(entries.into_iter().map(record).collect())
    }

    /// Removes entries; gives those that are gone.
    pub(crate) async fn prune_cache(&self, request: PruneRequest) -> Result<Vec<UsageRecord>> {
        let builder = Builder::new(&self.engine)?;
        let bytes = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        let pruning = Pruning {
            older_than: bytes(request.keep_duration).map(Duration::from_nanos),
            keep_bytes: bytes(request.reserved_space).or(bytes(request.max_used_space)),
        };
        let gone = away(move || builder.prune(&pruning)).await?;
        Ok(gone.into_iter().map(record).collect())
    }
}

fn record(entry: CacheEntry) -> UsageRecord {
    UsageRecord {
        id: entry.id,
        size: i64::try_from(entry.bytes).unwrap_or(i64::MAX),
        created_at: Some(timestamp(entry.created)),
        last_used_at: Some(timestamp(entry.used)),
        usage_count: 1,
        description: entry.description,
        record_type: "regular".to_owned(),
        ..UsageRecord::default()
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = i32::try_from(since.subsec_nanos()).unwrap_or_default();
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or_default(), nanos }
}
