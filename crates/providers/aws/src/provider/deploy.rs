//! Making a service, or making it what is specified. Each step finds out what is there first, so that one that was broken
//! off is finished by the next time.

use super::task_definition::{self, Made};
use super::{Aws, losses, names, ports};
use crate::services::elb::{Balancing, Listener};
use crate::services::{listed, tag_of, tags, text, texts};
use sampan_provider::{Failure, Loss, Result, Service, Severity, Specification};
use serde_json::{Value, json};

/// The network that a service is in.
struct Network {
    vpc: String,
    cidr: String,
    subnets: Vec<String>,
}

/// What deploying would do.
pub(super) fn sentences(
    specification: &Specification,
    current: Option<&Service>,
    cluster: &str,
) -> Vec<String> {
    let name = &specification.name;
    if current.is_some_and(|service| {
        !service.fingerprint.is_empty() && service.fingerprint == specification.fingerprint()
    }) {
        return vec![format!(
            "leave the ECS service {name} as it is, with {} replicas",
            specification.replicas
        )];
    }
    let mut all = vec![format!("push the image to the ECR repository {}", names::repository(name))];
    if current.is_none() {
        all.push(format!(
            "make the ECS cluster {cluster} and the role that starts containers, unless they are there"
        ));
        all.push(format!("make the log group {} and a security group", names::log_group(name)));
    }
    for volume in &specification.volumes {
        all.push(format!("keep volume {} in the EFS file system sampan, unless it is there", volume.name));
    }
    for one in ports::listening(specification) {
        all.push(format!(
            "forward port {} ({}) of the load balancer {} to port {} inside",
            one.published,
            one.protocol.to_lowercase().replace('_', " and "),
            names::balancer(name),
            one.container
        ));
    }
    let replicas = specification.replicas;
    all.push(match current {
        None => format!("start {replicas} replicas as the ECS service {name} on Fargate"),
        Some(_) => format!(
            "replace the replicas of the ECS service {name} without an interruption, {replicas} in all"
        ),
    });
    all
}

/// A word for one deployment, of at most 36 characters.
fn token(specification: &Specification) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{:x}", specification.fingerprint(), now.as_nanos() & 0xffff_ffff_ffff)
}

impl Aws {
    /// All of it.
    pub(super) async fn make(&self, specification: &Specification) -> Result<Service> {
        refuse(specification)?;
        let name = &specification.name;
        let (cluster, client) = (self.cluster(), &self.client);
        let service = names::service(name);
        let current = client.service(cluster, &service).await?;
        if let Some(found) = &current {
            if tag_of(&found["tags"], "sampan.service").as_deref() != Some(name) {
                return Err(Failure::AlreadyExists(format!(
                    "the ECS service {service} in cluster {cluster} was not made by Sampan: rename the container"
                )));
            }
            if found["status"] == "DRAINING" {
                return Err(Failure::Conflict(format!(
                    "{name} is still being removed there: try again in a minute"
                )));
            }
        }
        let network = self.network().await?;
        client.ensure_cluster(cluster).await?;
        client.ensure_log_group(&names::log_group(name), name).await?;
        let group =
            client.ensure_group(&names::family(name), &network.vpc, name, &openings(specification)).await?;
        let mut made =
            Made { role: client.ensure_role().await?, region: client.region.clone(), ..Made::default() };
        self.volumes(specification, &network, &mut made).await?;
        let balanced = self.balance(specification, &network).await?;
        let definition = self.definition(specification, &made, current.as_ref()).await?;
        let mut groups = texts(&Value::Array(
            self.target.option("security-groups").unwrap_or_default().split(',').map(Value::from).collect(),
        ));
        groups.retain(|id| !id.is_empty());
        groups.push(group);
        let public = self.target.option("assign-public-ip").unwrap_or("ENABLED");
        let mut body = json!({
            "cluster": cluster,
            "taskDefinition": definition,
            "desiredCount": specification.replicas,
            "networkConfiguration": { "awsvpcConfiguration": {
                "subnets": network.subnets, "securityGroups": groups, "assignPublicIp": public } },
            "deploymentConfiguration": { "minimumHealthyPercent": 100, "maximumPercent": 200,
                "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
            "loadBalancers": balanced.iter().map(|(arn, port)| json!({
                "targetGroupArn": arn, "containerName": service, "containerPort": port })).collect::<Vec<_>>(),
            "propagateTags": "TASK_DEFINITION",
        });
        if !balanced.is_empty() {
            let seconds =
                specification.health.as_ref().map_or(0, |health| health.start_period / 1_000_000_000);
            body["healthCheckGracePeriodSeconds"] = json!(seconds.clamp(60, 7200));
        }
        match &current {
            None => {
                body["serviceName"] = json!(service);
                body["launchType"] = json!("FARGATE");
                body["tags"] = listed(&tags(name), "key", "value");
                // A call whose answer is lost is made again, and is the same one by this (ECS API, CreateService).
                body["clientToken"] = json!(token(specification));
                client.ecs("CreateService", body).await?;
            }
            Some(found) => {
                let scaled = client.scaled(cluster, &service).await?.into_iter().next();
                let stopped = tag_of(&found["tags"], "sampan.stopped").is_some();
                if let Some((_, least, most)) = scaled {
                    let now = found["desiredCount"].as_u64().unwrap_or(0);
                    body["desiredCount"] = json!(now.clamp(least.into(), most.into()));
                    client.bound(cluster, &service, least, most, false).await?;
                }
                body["service"] = json!(service);
                client.ecs("UpdateService", body).await?;
                if stopped {
                    client.mark(found, "sampan.stopped", "").await?;
                }
                self.unlisten(specification).await?;
            }
        }
        self.one(name).await
    }

    /// The network of the target.
    async fn network(&self) -> Result<Network> {
        let wanted = self.target.option("subnets");
        let mut subnets: Vec<String> = wanted
            .unwrap_or_default()
            .split(',')
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .collect();
        let mut id = self.target.option("vpc").unwrap_or_default().to_owned();
        if let Some(first) = subnets.first().filter(|_| id.is_empty()) {
            id = self.client.vpc_of(first).await?;
        }
        let missing = || {
            Failure::invalid(
                "subnets",
                "there is no default network: give the target the option `subnets`, or run \
                `aws ec2 create-default-vpc`",
            )
        };
        let vpc = self.client.vpc(&id).await?.ok_or_else(missing)?;
        if subnets.is_empty() {
            subnets = self.client.subnets(&vpc.id, self.target.option("vpc").is_none()).await?;
        }
        if subnets.is_empty() {
            return Err(missing());
        }
        Ok(Network { vpc: vpc.id, cidr: vpc.cidr, subnets })
    }

    async fn volumes(&self, specification: &Specification, network: &Network, made: &mut Made) -> Result<()> {
        if specification.volumes.is_empty() {
            return Ok(());
        }
        let nfs = [("tcp".to_owned(), 2049, network.cidr.clone())];
        let group = self.client.ensure_group("sampan-volumes", &network.vpc, "", &nfs).await?;
        made.file_system = self.client.ensure_file_system(&network.subnets, &group).await?;
        for volume in &specification.volumes {
            let point =
                self.client.ensure_access_point(&made.file_system, &volume.name, &specification.name).await?;
            made.access_points.push(point);
        }
        Ok(())
    }

    /// Groups of targets, each with the port inside.
    async fn balance(&self, specification: &Specification, network: &Network) -> Result<Vec<(String, u16)>> {
        let all = ports::listening(specification);
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let name = &specification.name;
        let scheme = self.target.option("scheme").unwrap_or("internet-facing");
        let balancer =
            self.client.ensure_balancer(&names::balancer(name), name, scheme, &network.subnets).await?;
        let there = self.client.listeners(&balancer.arn).await?;
        let mut balanced = Vec::new();
        for one in all {
            let called = names::target_group(name, one.published, one.protocol);
            let health = task_definition::judged(specification, one);
            let to = (one.protocol, one.container);
            let group = self.client.ensure_target_group(&called, name, to, &network.vpc, &health).await?;
            let wanted = Listener {
                port: one.published,
                protocol: one.protocol.to_owned(),
                group: group.clone(),
                ..Listener::default()
            };
            self.client.ensure_listener(&balancer.arn, name, &there, &wanted).await?;
            balanced.push((group, one.container));
        }
        Ok(balanced)
    }

    /// Removes listeners and groups of targets that are no longer wanted, and a load balancer without any.
    async fn unlisten(&self, specification: &Specification) -> Result<()> {
        let name = &specification.name;
        let wanted = ports::listening(specification);
        let Some(Balancing { arn, .. }) = self.client.balancer(&names::balancer(name)).await? else {
            return Ok(());
        };
        for one in self.client.listeners(&arn).await? {
            if !wanted.iter().any(|kept| kept.published == one.port) {
                self.client.delete_balancing(&one.arn).await?;
            }
        }
        let kept: Vec<String> =
            wanted.iter().map(|one| names::target_group(name, one.published, one.protocol)).collect();
        if wanted.is_empty() {
            self.client.delete_balancing(&arn).await?;
        }
        for (one, service) in self.client.our_balancing("sampan-").await? {
            if service == *name && one.arn.contains(":targetgroup/") && !kept.contains(&one.name) {
                // Targets that still drain keep it; the next deployment or removal takes it.
                match self.client.delete_balancing(&one.arn).await {
                    Ok(()) | Err(Failure::Conflict(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(())
    }

    /// The task definition: what is there, when it was made of the same.
    async fn definition(
        &self,
        specification: &Specification,
        made: &Made,
        current: Option<&Value>,
    ) -> Result<String> {
        if let Some(arn) = current.map(|service| text(service, "taskDefinition")) {
            let there = self.client.definition(&arn).await?;
            if tag_of(&there["tags"], "sampan.fingerprint") == Some(specification.fingerprint()) {
                return Ok(arn);
            }
        }
        let request = task_definition::request(specification, made)?;
        let answer = self.client.ecs("RegisterTaskDefinition", request).await?;
        Ok(text(&answer["taskDefinition"], "taskDefinitionArn"))
    }
}

/// What cannot be there at all is not begun.
fn refuse(specification: &Specification) -> Result<()> {
    if let Some(Loss { setting, asked, .. }) =
        losses::of(specification).into_iter().find(|loss| loss.severity == Severity::Fatal)
    {
        return Err(Failure::unsupported(
            format!("{setting} {asked}"),
            "take it out, or choose another target",
        ));
    }
    if specification.image.located.is_empty() {
        return Err(Failure::invalid(
            "image",
            "the image is not in the target's registry yet: push it first",
        ));
    }
    Ok(())
}

/// What its security group lets in: published ports, and the one that the load balancer asks.
fn openings(specification: &Specification) -> Vec<(String, u16, String)> {
    let mut all: Vec<(String, u16, String)> = Vec::new();
    let everywhere = || "0.0.0.0/0".to_owned();
    for port in specification.published() {
        all.push((port.protocol.to_string(), port.container, everywhere()));
    }
    for one in ports::listening(specification) {
        all.extend(ports::asked(specification, one).map(|port| ("tcp".to_owned(), port, everywhere())));
    }
    all.sort();
    all.dedup();
    all
}
