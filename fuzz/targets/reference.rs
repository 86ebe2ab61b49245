//! Names of images: what is taken is written back as a name that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_image::Reference;

fuzz_target!(|text: &str| {
    let Ok(reference) = Reference::parse(text) else { return };
    let complete = reference.to_string();
    let again = Reference::parse(&complete).expect("a complete name is a name");
    assert_eq!(again.to_string(), complete);
    let familiar = Reference::parse(&reference.familiar()).expect("a familiar name is a name");
    assert_eq!(familiar.to_string(), complete);
    for part in [reference.domain(), reference.path()] {
        assert!(!part.is_empty() && !part.contains("..") && !part.starts_with('/'), "{complete}");
    }
});
