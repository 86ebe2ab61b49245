//! Measures import, save and load of one archive: `throughput FILE.tar DIRECTORY`.
//!
//! The tar is imported once; the image is then saved, removed and loaded again, three times, also with
//! its layer compressed by gzip and zstd. Compare with `tar -x` of the same file on the same disk.

use sampan_image::{ImportOptions, RemoveOptions, Store};
use sampan_state::Database;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(tar), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: throughput FILE.tar DIRECTORY".into());
    };
    std::fs::create_dir_all(&directory)?;
    let driver = sampan_storage::drivers::open(None, &directory)?;
    let database = Database::open(&directory.join("state.db"))?.database;
    let store = Store::open(&directory, driver, database.collection(), database.collection())?;
    let archive = directory.join("archive.tar");
    let size = std::fs::metadata(&tar)?.len() as f64 / 1e6;
    for _ in 0..3 {
        let started = Instant::now();
        let options = ImportOptions { name: Some("measured".into()), ..Default::default() };
        store.import(&mut File::open(&tar)?, &options)?;
        tell("import", size, started);
        let started = Instant::now();
        store.save(&["measured".to_owned()], &mut File::create(&archive)?)?;
        tell("save", size, started);
        store.remove("measured", RemoveOptions { force: true, no_prune: false }, &[])?;
        let started = Instant::now();
        store.load(&mut File::open(&archive)?, &mut |_| {})?;
        tell("load", size, started);
        let started = Instant::now();
        store.load(&mut File::open(&archive)?, &mut |_| {})?;
        tell("load of what is there", size, started);
        let started = Instant::now();
        store.remove("measured", RemoveOptions { force: true, no_prune: false }, &[])?;
        tell("remove", size, started);
    }
    Ok(())
}

fn tell(what: &str, megabytes: f64, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what:24} {:8.1} ms {:8.0} MB/s", seconds * 1e3, megabytes / seconds);
}
