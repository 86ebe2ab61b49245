//! The durable stream of events: a sequence number, a time and a body for each.

use crate::collection::failed;
use crate::{Database, Durability, Result};
use rusqlite::params;

/// Events kept on disk, oldest dropped first. Bodies are JSON that the engine reads and writes.
#[derive(Clone)]
pub struct EventLog {
    database: Database,
}

impl EventLog {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Appends events in one transaction: (sequence, time in ns, body).
    ///
    /// # Errors
    /// The database failed.
    pub fn append(&self, events: &[(u64, i64, String)]) -> Result<()> {
        let mut connection = self.database.connection(Durability::Normal);
        let transaction = connection.transaction().map_err(failed("writing events"))?;
        {
            let mut statement = transaction
                .prepare_cached("INSERT OR IGNORE INTO event (sequence, time, body) VALUES (?1, ?2, ?3)")
                .map_err(failed("writing events"))?;
            for (sequence, time, body) in events {
                statement
                    .execute(params![sequence.cast_signed(), time, body])
                    .map_err(failed("writing events"))?;
            }
        }
        transaction.commit().map_err(failed("writing events"))
    }

    /// The highest sequence number ever given; zero when there is none.
    ///
    /// # Errors
    /// The database failed.
    pub fn last_sequence(&self) -> Result<u64> {
        let connection = self.database.connection(Durability::Normal);
        let last: i64 = connection
            .query_row(
                "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)",
                [],
                |row| row.get(0),
            )
            .map_err(failed("reading events"))?;
        Ok(last.cast_unsigned())
    }

    /// Bodies of the events between two times (ns, both included), oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub fn between(&self, since: i64, until: i64) -> Result<Vec<String>> {
        let connection = self.database.connection(Durability::Normal);
        let mut statement = connection
            .prepare_cached("SELECT body FROM event WHERE time >= ?1 AND time <= ?2 ORDER BY sequence")
            .map_err(failed("reading events"))?;
        let rows =
            statement.query_map(params![since, until], |row| row.get(0)).map_err(failed("reading events"))?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed("reading events"))
    }

    /// Bodies of the events after a sequence number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database failed.
    pub fn after(&self, sequence: u64, limit: u32) -> Result<Vec<String>> {
        let connection = self.database.connection(Durability::Normal);
        let mut statement = connection
            .prepare_cached("SELECT body FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")
            .map_err(failed("reading events"))?;
        let rows = statement
            .query_map(params![sequence.cast_signed(), limit], |row| row.get(0))
            .map_err(failed("reading events"))?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed("reading events"))
    }

    /// Drops all but the newest `keep` events.
    ///
    /// # Errors
    /// The database failed.
    pub fn trim(&self, keep: u64) -> Result<()> {
        let connection = self.database.connection(Durability::Normal);
        connection
            .execute(
                "DELETE FROM event WHERE sequence <= (SELECT max(sequence) FROM event) - ?1",
                params![keep.cast_signed()],
            )
            .map_err(failed("trimming events"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_in_order_and_the_sequence_survives_trimming() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.db");
        let log = Database::open(&path).expect("a database").database.events();
        let events: Vec<_> = (1..=5_u64).map(|n| (n, 10 * n.cast_signed(), n.to_string())).collect();
        log.append(&events).expect("append");
        assert_eq!(log.between(20, 40).expect("between"), ["2", "3", "4"]);
        assert_eq!(log.after(3, 10).expect("after"), ["4", "5"]);
        log.trim(2).expect("trim");
        assert_eq!(log.after(0, 10).expect("after"), ["4", "5"]);
        log.trim(0).expect("trim");
        assert_eq!(log.last_sequence().expect("last"), 5);
    }
}
