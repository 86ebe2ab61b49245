//! Removing a service with what was made for it alone, and finding everything that was made.

use super::{Kubernetes, is_of, text};
use crate::client::Kind;
use crate::names;
use sampan_provider::{Resource, Result};

impl Kubernetes {
    /// All of it. What depends on the deployment, its replica sets and pods, goes with it.
    pub(super) async fn clear(&self, name: &str, with_volumes: bool) -> Result<()> {
        for kind in Kind::MADE {
            if kind == Kind::CLAIM && !with_volumes {
                continue;
            }
            let (found, _) = self.client.list(kind, &names::selector(name)).await?;
            for object in found.iter().filter(|object| is_of(object, name)) {
                self.client.delete(kind, &text(object, "/metadata/name")).await?;
            }
        }
        Ok(())
    }

    /// What carries our label.
    pub(super) async fn everything(&self) -> Result<Vec<Resource>> {
        let mut all = Vec::new();
        for kind in Kind::MADE {
            let (found, _) = self.client.list(kind, &format!("{}=1", names::MANAGED)).await?;
            all.extend(found.iter().map(|object| Resource {
                kind: kind.name.to_owned(),
                id: format!("{}/{}", text(object, "/metadata/namespace"), text(object, "/metadata/name")),
                service: text(&object["metadata"]["annotations"][names::NAME], ""),
            }));
        }
        all.sort();
        Ok(all)
    }
}
