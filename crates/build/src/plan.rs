//! Which stages are needed, and in which order.

use sampan_dockerfile::{Dockerfile, Kind, Stage};
use sampan_error::{Error, Result};
use std::collections::BTreeSet;

/// The stage of this name (or number), among those before `before`.
pub(crate) fn find(file: &Dockerfile, name: &str, before: usize) -> Option<usize> {
    let earlier = file.stages.get(..before)?;
    let lower = name.to_lowercase();
    earlier
        .iter()
        .rposition(|stage| stage.name.as_deref() == Some(&lower))
        .or_else(|| name.parse().ok().filter(|index| *index < before))
}

/// The stage that a FROM line means: by its name as it is kept, in lower case, and never by its number.
pub(crate) fn base(file: &Dockerfile, name: &str, before: usize) -> Option<usize> {
    file.stages.get(..before)?.iter().rposition(|stage| stage.name.as_deref() == Some(name))
}

/// The target's number, and those of all stages that it needs with itself, in order.
///
/// # Errors
/// No such stage. `base_of` gives a stage's base with its variables replaced.
pub(crate) fn needed(
    file: &Dockerfile,
    target: &str,
    base_of: &dyn Fn(&Stage) -> Result<String>,
) -> Result<(usize, Vec<usize>)> {
    let count = file.stages.len();
    let last = match target {
        "" => count - 1,
        name => find(file, name, count)
            .ok_or_else(|| Error::invalid(format!("target stage {name:?} could not be found")))?,
    };
    let mut needed = BTreeSet::new();
    let mut open = vec![last];
    while let Some(index) = open.pop() {
        if !needed.insert(index) {
            continue;
        }
        let stage = &file.stages[index];
        open.extend(base(file, &base_of(stage)?, index));
        for instruction in &stage.instructions {
            match &instruction.kind {
                Kind::Copy(copy) => {
                    open.extend(copy.from.as_deref().and_then(|from| find(file, from, index)))
                }
                Kind::Run(run) => {
                    let from = run.mounts.iter().filter(|mount| !mount.from.is_empty());
                    open.extend(from.filter_map(|mount| find(file, &mount.from, index)));
                }
                _ => {}
            }
        }
    }
    Ok((last, needed.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_stages_are_left_out() {
        let text = "FROM a AS one\nFROM b AS two\nFROM one AS three\nCOPY --from=2 x /\nFROM c\nCOPY --from=three x /\n";
        let file = sampan_dockerfile::parse(text).unwrap();
        let base = |stage: &Stage| Ok(stage.base.clone());
        assert_eq!(needed(&file, "", &base).unwrap(), (3, vec![0, 2, 3]));
        assert_eq!(needed(&file, "TWO", &base).unwrap(), (1, vec![1]));
        assert_eq!(needed(&file, "0", &base).unwrap(), (0, vec![0]));
        assert!(needed(&file, "four", &base).is_err());
    }
}
