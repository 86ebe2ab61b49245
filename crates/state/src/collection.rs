//! Records of one type.

use crate::{Database, Durability, Error, Record, Result};
use rusqlite::{OptionalExtension, params};
use std::marker::PhantomData;

/// All records of one type. Cheap to clone.
pub struct Collection<T> {
    database: Database,
    record: PhantomData<fn() -> T>,
}

/// A record that cannot be read. It stays in the database under the collection `damaged-…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its key.
    pub key: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// What loading a whole collection found.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The good records, by key.
    pub records: Vec<T>,
    /// The damaged ones, now set aside.
    pub damaged: Vec<Damaged>,
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self { database: self.database.clone(), record: PhantomData }
    }
}

impl<T: Record> Collection<T> {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, record: PhantomData }
    }

    /// The record with this key.
    ///
    /// # Errors
    /// The database failed, or the record is damaged.
    pub fn get(&self, key: &str) -> Result<Option<T>> {
        let row: Option<(u32, String)> = {
            let connection = self.database.connection(Durability::Normal);
            let mut statement = connection
                .prepare_cached("SELECT version, body FROM record WHERE collection = ?1 AND key = ?2")
                .map_err(failed("reading a record"))?;
            statement
                .query_row(params![T::COLLECTION, key], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
                .map_err(failed("reading a record"))?
        };
        row.map(|(version, body)| {
            decode(version, &body).map_err(|reason| Error::Damaged {
                collection: T::COLLECTION,
                key: key.to_owned(),
                reason,
            })
        })
        .transpose()
    }

    /// Writes a record, replacing the one with its key.
    ///
    /// # Errors
    /// The database failed.
    pub fn put(&self, record: &T, durability: Durability) -> Result<()> {
        let key = record.key();
        let body = serde_json::to_string(record).map_err(|source| Error::Encode {
            collection: T::COLLECTION,
            key: key.clone(),
            source,
        })?;
        let connection = self.database.connection(durability);
        let mut statement = connection
            .prepare_cached(
                "INSERT OR REPLACE INTO record (collection, key, version, body) VALUES (?1, ?2, ?3, ?4)",
            )
            .map_err(failed("writing a record"))?;
        statement
            .execute(params![T::COLLECTION, key, T::VERSION, body])
            .map_err(failed("writing a record"))?;
        Ok(())
    }

    /// Removes the record with this key; false when there was none.
    ///
    /// # Errors
    /// The database failed.
    pub fn remove(&self, key: &str, durability: Durability) -> Result<bool> {
        let connection = self.database.connection(durability);
        let mut statement = connection
            .prepare_cached("DELETE FROM record WHERE collection = ?1 AND key = ?2")
            .map_err(failed("removing a record"))?;
        let removed = statement.execute(params![T::COLLECTION, key]).map_err(failed("removing a record"))?;
        Ok(removed > 0)
    }

    /// All good records, ordered by key.
    ///
    /// # Errors
    /// The database failed.
    pub fn all(&self) -> Result<Vec<T>> {
        Ok(self.load()?.records)
    }

    /// All records; damaged ones are set aside (kept under another collection name) and reported.
    ///
    /// # Errors
    /// The database failed.
    pub fn load(&self) -> Result<Loaded<T>> {
        let rows = self.rows()?;
        let mut loaded = Loaded { records: Vec::with_capacity(rows.len()), damaged: Vec::new() };
        for (key, version, body) in rows {
            match decode(version, &body) {
                Ok(record) => loaded.records.push(record),
                Err(reason) => loaded.damaged.push(Damaged { key, reason }),
            }
        }
        for damaged in &loaded.damaged {
            self.set_aside(&damaged.key)?;
        }
        Ok(loaded)
    }

    fn rows(&self) -> Result<Vec<(String, u32, String)>> {
        let connection = self.database.connection(Durability::Normal);
        let mut statement = connection
            .prepare_cached("SELECT key, version, body FROM record WHERE collection = ?1 ORDER BY key")
            .map_err(failed("listing records"))?;
        let rows = statement
            .query_map(params![T::COLLECTION], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .map_err(failed("listing records"))?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed("listing records"))
    }

    fn set_aside(&self, key: &str) -> Result<()> {
        let connection = self.database.connection(Durability::Full);
        connection
            .execute(
                "UPDATE OR REPLACE record SET collection = 'damaged-' || collection WHERE collection = ?1 AND key = ?2",
                params![T::COLLECTION, key],
            )
            .map_err(failed("setting a damaged record aside"))?;
        Ok(())
    }
}

fn decode<T: Record>(version: u32, body: &str) -> std::result::Result<T, String> {
    if version == T::VERSION {
        return serde_json::from_str(body).map_err(|error| error.to_string());
    }
    let value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    serde_json::from_value(T::migrate(version, value)?).map_err(|error| error.to_string())
}

pub(crate) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |source| Error::Statement { doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        size: u32,
    }

    impl Record for Thing {
        const COLLECTION: &'static str = "thing";
        const VERSION: u32 = 1;

        fn key(&self) -> String {
            self.name.clone()
        }
    }

    fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = Database::open(&folder.path().join("state.db")).expect("a database");
        assert!(opened.is_new && opened.set_aside.is_none());
        (folder, opened.database)
    }

    #[test]
    fn a_record_comes_back_as_it_was_put() {
        let (_folder, database) = database();
        let things = database.collection::<Thing>();
        let thing = Thing { name: "one".into(), size: 1 };
        things.put(&thing, Durability::Full).expect("put");
        assert_eq!(things.get("one").expect("get"), Some(thing));
        assert_eq!(things.get("two").expect("get"), None);
        assert!(things.remove("one", Durability::Normal).expect("remove"));
        assert!(!things.remove("one", Durability::Normal).expect("remove"));
    }

    #[test]
    fn a_damaged_record_is_set_aside_and_the_others_are_read() {
        let (_folder, database) = database();
        let things = database.collection::<Thing>();
        things.put(&Thing { name: "good".into(), size: 2 }, Durability::Normal).expect("put");
        database
            .connection(Durability::Full)
            .execute("INSERT INTO record VALUES ('thing', 'bad', 1, '{')", [])
            .expect("a bad row");
        let loaded = things.load().expect("load");
        assert_eq!(loaded.records.len(), 1);
        assert_eq!(loaded.damaged[0].key, "bad");
        assert!(things.load().expect("load again").damaged.is_empty());
        let kept: u32 = database
            .connection(Durability::Normal)
            .query_row("SELECT count(*) FROM record WHERE collection = 'damaged-thing'", [], |row| row.get(0))
            .expect("count");
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_record_of_a_newer_version_is_not_touched() {
        let (_folder, database) = database();
        database
            .connection(Durability::Full)
            .execute("INSERT INTO record VALUES ('thing', 'new', 9, '{\"name\":\"new\",\"size\":1}')", [])
            .expect("a newer row");
        let loaded = database.collection::<Thing>().load().expect("load");
        assert!(loaded.records.is_empty());
        assert!(loaded.damaged[0].reason.contains("newer version"));
    }

    #[test]
    fn a_file_that_is_no_database_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.db");
        std::fs::write(&path, vec![7_u8; 8192]).expect("a bad file");
        let opened = Database::open(&path).expect("a new database");
        let aside = opened.set_aside.expect("the old file was set aside");
        assert_eq!(std::fs::read(aside).expect("kept").len(), 8192);
        assert!(opened.is_new);
    }
}
