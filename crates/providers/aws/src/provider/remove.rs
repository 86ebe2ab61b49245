//! Removing a service with what was made for it alone, and finding everything that was made.

use super::{Aws, names};
use crate::services::{efs, gone, tag_of, text};
use sampan_provider::{Failure, Resource, Result};
use serde_json::json;
use std::time::Duration;

impl Aws {
    /// All of it, and what services share after the last one.
    pub(super) async fn clear(&self, name: &str, with_volumes: bool) -> Result<()> {
        let (client, cluster, called) = (&self.client, self.cluster(), names::service(name));
        if let Some(service) = client.service(cluster, &called).await? {
            if tag_of(&service["tags"], "sampan.service").as_deref() != Some(name) {
                return Err(Failure::NotFound(format!(
                    "there is no container {name} at {}",
                    self.target.name
                )));
            }
            client.unbound(cluster, &called).await?;
            if service["status"] == "ACTIVE" {
                gone(
                    client
                        .ecs(
                            "UpdateService",
                            json!({ "cluster": cluster, "service": called, "desiredCount": 0 }),
                        )
                        .await,
                )?;
                gone(
                    client
                        .ecs("DeleteService", json!({ "cluster": cluster, "service": called, "force": true }))
                        .await,
                )?;
            }
        }
        let balancing = client.our_balancing("sampan-").await?;
        let mine: Vec<&str> =
            balancing.iter().filter(|(_, of)| of == name).map(|(one, _)| one.arn.as_str()).collect();
        for arn in mine.iter().filter(|arn| arn.contains(":loadbalancer/")) {
            for listener in client.listeners(arn).await? {
                client.delete_balancing(&listener.arn).await?;
            }
            client.delete_balancing(arn).await?;
        }
        for arn in mine.iter().filter(|arn| arn.contains(":targetgroup/")) {
            // The load balancer lets go of it a moment later.
            patiently(|| client.delete_balancing(arn)).await?;
        }
        for arn in client.definitions(&names::family(name)).await? {
            gone(client.ecs("DeregisterTaskDefinition", json!({ "taskDefinition": arn })).await)?;
        }
        client.delete_log_group(&names::log_group(name)).await?;
        client.delete_repository(&names::repository(name)).await?;
        if with_volumes {
            self.forget_volumes(name).await?;
        }
        self.close(|resource, _| resource.service == name).await?;
        self.last().await
    }

    /// Access points of this service's volumes.
    async fn forget_volumes(&self, name: &str) -> Result<()> {
        let Some(system) = self.client.file_system().await? else { return Ok(()) };
        for point in self.client.access_points(&text(&system, "FileSystemId")).await? {
            if tag_of(&point["Tags"], "sampan.service").as_deref() == Some(name) {
                self.client.delete_efs("access-points", &text(&point, "AccessPointId")).await?;
            }
        }
        Ok(())
    }

    /// Removes security groups. Tasks that are still ending hold theirs for some seconds.
    async fn close(&self, which: impl Fn(&Resource, &str) -> bool) -> Result<()> {
        for (group, called) in self.client.our_groups().await? {
            if !which(&group, &called) {
                continue;
            }
            patiently(|| self.client.delete_group(&group.id)).await?;
        }
        Ok(())
    }

    /// What services share goes with the last of them; volumes that are left keep their file system.
    async fn last(&self) -> Result<()> {
        if self.client.services(self.cluster()).await?.iter().any(|service| service["status"] == "ACTIVE") {
            return Ok(());
        }
        if let Some(system) = self.client.file_system().await? {
            let id = text(&system, "FileSystemId");
            let named =
                system["Name"] == efs::FILE_SYSTEM || tag_of(&system["Tags"], "sampan.managed").is_some();
            if named && self.client.access_points(&id).await?.is_empty() {
                for (target, _) in self.client.mount_targets(&id).await? {
                    self.client.delete_efs("mount-targets", &target).await?;
                }
                for pause in [1, 2, 4, 8, 15, 30] {
                    if self.client.mount_targets(&id).await?.is_empty() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                }
                self.client.delete_efs("file-systems", &id).await?;
                self.close(|_, called| called == "sampan-volumes").await?;
            }
        }
        if self.target.option("cluster").is_none() {
            match gone(self.client.ecs("DeleteCluster", json!({ "cluster": self.cluster() })).await) {
                // Its last tasks are still ending: it costs nothing, and the next removal takes it.
                Ok(()) | Err(Failure::Conflict(_) | Failure::Invalid { .. } | Failure::Provider { .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        // Another cluster of this region may have containers that start by it.
        for family in self.client.families("sampan-").await? {
            if !self.client.definitions(&family).await?.is_empty() {
                return Ok(());
            }
        }
        self.client.delete_role().await
    }

    /// Everything.
    pub(super) async fn everything(&self) -> Result<Vec<Resource>> {
        let client = &self.client;
        let mut all = client.repositories("sampan/").await?;
        let resource =
            |kind: &str, id: String, service: String| Resource { kind: kind.to_owned(), id, service };
        for service in client.services(self.cluster()).await? {
            if let Some(name) = tag_of(&service["tags"], "sampan.service")
                && service["status"] != "INACTIVE"
            {
                all.push(resource("ecs:service", text(&service, "serviceArn"), name));
            }
        }
        if self.target.option("cluster").is_none() && client.has_cluster(self.cluster()).await? {
            all.push(resource("ecs:cluster", self.cluster().to_owned(), String::new()));
        }
        for family in client.families("sampan-").await? {
            let arns = client.definitions(&family).await?;
            let Some(newest) = arns.first() else { continue };
            if let Some(name) = tag_of(&client.definition(newest).await?["tags"], "sampan.service") {
                all.extend(arns.into_iter().map(|arn| resource("ecs:task-definition", arn, name.clone())));
            }
        }
        for group in client.log_groups("/sampan/").await? {
            if let Some(name) = client.log_group_service(&group).await? {
                all.push(resource("logs:log-group", group, name));
            }
        }
        for (one, name) in client.our_balancing("sampan-").await? {
            let kind =
                if one.arn.contains(":targetgroup/") { "elb:target-group" } else { "elb:load-balancer" };
            all.push(resource(kind, one.arn, name));
        }
        all.extend(client.our_groups().await?.into_iter().map(|(group, _)| group));
        if let Some(system) = client.file_system().await? {
            let id = text(&system, "FileSystemId");
            for point in client.access_points(&id).await? {
                let name = tag_of(&point["Tags"], "sampan.service").unwrap_or_default();
                all.push(resource("efs:access-point", text(&point, "AccessPointId"), name));
            }
            all.push(resource("efs:file-system", id, String::new()));
        }
        if let Some(role) = client.role().await? {
            all.push(resource("iam:role", role, String::new()));
        }
        Ok(all)
    }
}

/// Does it again for about a minute while something else still holds what it is about.
async fn patiently<F: Future<Output = Result<()>>>(attempt: impl Fn() -> F) -> Result<()> {
    for pause in [1, 2, 4, 8, 15, 15, 15] {
        match attempt().await {
            Err(Failure::Conflict(_)) => tokio::time::sleep(Duration::from_secs(pause)).await,
            other => return other,
        }
    }
    attempt().await
}
