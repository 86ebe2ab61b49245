//! The database file: opening, setting a damaged one aside, the two connections.

use crate::{Collection, Durability, Error, EventLog, Record, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Marks our files for file(1) and against opening somebody else's database: "SPAN".
const APPLICATION_ID: i32 = 0x5350_414e;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS record (
        collection TEXT NOT NULL,
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (collection, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS event_time ON event (time);
";

/// The store. Cheap to clone; all clones share the two connections.
#[derive(Clone)]
pub struct Database {
    connections: Arc<Connections>,
}

struct Connections {
    full: Mutex<Connection>,
    normal: Mutex<Connection>,
}

/// What opening found.
pub struct Opened {
    /// The store.
    pub database: Database,
    /// Where a damaged file was set aside; the store is then new and empty.
    pub set_aside: Option<PathBuf>,
    /// The file did not exist, or was set aside: nothing that it does not name may be removed.
    pub is_new: bool,
}

impl Database {
    /// Opens or makes the database at `path`.
    ///
    /// A file that is damaged is renamed to `path.damaged-<seconds>` and a new one is made.
    ///
    /// # Errors
    /// The folder cannot be written, or the disk is full.
    pub fn open(path: &Path) -> Result<Opened> {
        let existed = path.exists();
        match Self::try_open(path) {
            Ok(database) => Ok(Opened { database, set_aside: None, is_new: !existed }),
            Err(error) if existed && is_damage(&error) => {
                let aside = set_aside(path);
                let database = Self::try_open(path)?;
                Ok(Opened { database, set_aside: Some(aside), is_new: true })
            }
            Err(error) => Err(error),
        }
    }

    fn try_open(path: &Path) -> Result<Self> {
        let full = connect(path, "FULL")?;
        full.execute_batch(SCHEMA).map_err(|source| Error::Open { path: path.into(), source })?;
        let normal = connect(path, "NORMAL")?;
        Ok(Self { connections: Arc::new(Connections { full: Mutex::new(full), normal: Mutex::new(normal) }) })
    }

    /// The collection of one type of record.
    pub fn collection<T: Record>(&self) -> Collection<T> {
        Collection::new(self.clone())
    }

    /// The durable stream of events.
    pub fn events(&self) -> EventLog {
        EventLog::new(self.clone())
    }

    /// The connection for this durability. A poisoned lock is taken over: SQLite rolls back by itself.
    pub(crate) fn connection(&self, durability: Durability) -> MutexGuard<'_, Connection> {
        let mutex = match durability {
            Durability::Full => &self.connections.full,
            Durability::Normal => &self.connections.normal,
        };
        mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn connect(path: &Path, synchronous: &str) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        // A small page cache: the daemon keeps its records in memory anyway.
        connection.pragma_update(None, "cache_size", -256)?;
        Ok(connection)
    };
    open().map_err(|source| Error::Open { path: path.into(), source })
}

fn is_damage(error: &Error) -> bool {
    sampan_error::Classify::kind(error) == sampan_error::Kind::DataLoss
}

fn set_aside(path: &Path) -> PathBuf {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let aside = path.with_extension(format!("damaged-{seconds}"));
    // If the rename fails the second attempt to open reports why.
    let _ = std::fs::rename(path, &aside);
    for suffix in ["-wal", "-shm"] {
        let mut companion = path.as_os_str().to_owned();
        companion.push(suffix);
        let mut companion_aside = aside.as_os_str().to_owned();
        companion_aside.push(suffix);
        let _ = std::fs::rename(companion, companion_aside);
    }
    aside
}
