//! Removing what an earlier supervisor left below one parent.

use super::Hierarchies;
use super::membership::children;
use super::removal::remove_tree;
use crate::error::Result;

/// Removes the directories below `parent`, in every hierarchy, whose name `keep` does not want. Those that
/// still have processes stay. A parent that does not exist has no children.
///
/// # Errors
/// No cgroups are mounted.
pub fn remove_children_except(parent: &str, keep: &dyn Fn(&str) -> bool) -> Result<()> {
    for hierarchy in &Hierarchies::mounted()?.list {
        let Ok(found) = children(&hierarchy.root.join(parent.trim_matches('/'))) else { continue };
        for child in found {
            let name = child.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let busy = super::read(&child, "cgroup.procs").is_ok_and(|text| !text.trim().is_empty());
            if !keep(&name) && !busy {
                // Another daemon of this instance cannot exist; what is busy after all is left.
                let _ = remove_tree(&child);
            }
        }
    }
    Ok(())
}
