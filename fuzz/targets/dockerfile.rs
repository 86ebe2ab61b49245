//! Dockerfiles: whatever they say, it is an error that shows a line of theirs, or stages whose words can be expanded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_dockerfile::Kind;

fuzz_target!(|text: &str| {
    let value = |name: &str| (name.len() < 3).then(|| "some value/of.it".to_owned());
    for warning in sampan_dockerfile::check(text).warnings {
        assert!(warning.line > 0 && !warning.message.is_empty() && warning.url().starts_with("https://"));
    }
    match sampan_dockerfile::parse(text) {
        Ok(file) => {
            assert!(!file.stages.is_empty());
            for stage in &file.stages {
                let _ = sampan_dockerfile::expand(&stage.base, file.escape, &value);
                for instruction in &stage.instructions {
                    assert!(instruction.line.number > 0);
                    if let Kind::Env(pairs) | Kind::Label(pairs) = &instruction.kind {
                        for (name, text) in pairs {
                            assert!(!name.is_empty());
                            let _ = sampan_dockerfile::expand(text, file.escape, &value);
                        }
                    }
                    // What was understood once is understood again, by itself.
                    if instruction.line.heredocs.is_empty() {
                        let again = sampan_dockerfile::instruction(instruction.line.clone(), file.escape);
                        assert_eq!(again.as_ref(), Ok(instruction));
                    }
                }
            }
        }
        Err(failure) => assert!(!failure.message.is_empty()),
    }
});
