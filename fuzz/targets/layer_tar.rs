//! Tars of layers: read to their end, or refused; what was read is written as a tar that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_storage::tar::{Entry, EntryKind, Reader, Writer};

/// Contents that are kept to be written again.
const SMALL: u64 = 1 << 16;

fn read(mut bytes: &[u8]) -> Option<Vec<(Entry, Vec<u8>)>> {
    let mut reader = Reader::new(&mut bytes);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry().ok()? {
        let contents = if entry.kind == EntryKind::Regular && entry.sparse.is_none() && entry.size <= SMALL {
            reader.contents(SMALL).ok()?
        } else {
            reader.skip_contents().ok()?;
            continue;
        };
        entries.push((entry, contents));
    }
    reader.drain().ok()?;
    Some(entries)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(entries) = read(bytes) else { return };
    let mut written = Vec::new();
    let mut writer = Writer::new(&mut written);
    for (entry, contents) in &entries {
        // Some things that can be read cannot be written, such as a time before 1970 in an odd form.
        if writer.entry(entry).and_then(|()| writer.data(contents)).is_err() {
            return;
        }
    }
    if writer.finish().is_err() {
        return;
    }
    let again = read(&written).expect("what we write can be read");
    assert_eq!(again.len(), entries.len());
    for ((one, contents), (other, others)) in entries.iter().zip(&again) {
        assert_eq!((&one.path, &one.kind, one.size), (&other.path, &other.kind, other.size));
        assert_eq!(contents, others);
    }
});
