//! Load balancers: they forward TCP and UDP as they come.

use super::{Tags, gone, made, optional, tags};
use crate::client::{Api, Client, Form, Node};
use sampan_provider::Result;

const ELB: Api = Api::query("elasticloadbalancing", "2015-12-01");

/// A listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) port: u16,
    pub(crate) protocol: String,
    pub(crate) group: String,
}

/// A load balancer or a group of its targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Balancing {
    pub(crate) arn: String,
    pub(crate) name: String,
    /// Empty for a group.
    pub(crate) host: String,
    /// 0 for a load balancer.
    pub(crate) port: u16,
}

impl Client {
    async fn elb(&self, operation: &str, form: Form) -> Result<Node> {
        self.query(ELB, operation, form).await
    }

    /// A load balancer by its name.
    pub(crate) async fn balancer(&self, name: &str) -> Result<Option<Balancing>> {
        let found =
            optional(self.elb("DescribeLoadBalancers", Form::new().with("Names.member.1", name)).await)?;
        Ok(found.and_then(|answer| answer.list("LoadBalancers").next().map(balancing)))
    }

    /// A group of targets by its name.
    pub(crate) async fn target_group(&self, name: &str) -> Result<Option<Balancing>> {
        let found =
            optional(self.elb("DescribeTargetGroups", Form::new().with("Names.member.1", name)).await)?;
        Ok(found.and_then(|answer| answer.list("TargetGroups").next().map(balancing)))
    }

    /// The load balancer, made when there is none.
    pub(crate) async fn ensure_balancer(
        &self,
        name: &str,
        service: &str,
        scheme: &str,
        subnets: &[String],
    ) -> Result<Balancing> {
        if let Some(found) = self.balancer(name).await? {
            return Ok(found);
        }
        let form = Form::new()
            .with("Name", name)
            .with("Type", "network")
            .with("Scheme", scheme)
            .list("Subnets.member", subnets)
            .tags("Tags.member", &tags(service));
        made(self.elb("CreateLoadBalancer", form).await)?;
        Ok(self.balancer(name).await?.unwrap_or_default())
    }

    /// The group of targets, made when there is none. `health` is how a target's health is found out.
    pub(crate) async fn ensure_target_group(
        &self,
        name: &str,
        service: &str,
        (protocol, port): (&str, u16),
        vpc: &str,
        health: &Tags,
    ) -> Result<String> {
        let judged = |form: Form| health.iter().fold(form, |form, (key, value)| form.with(key, value));
        if let Some(found) = self.target_group(name).await? {
            self.elb("ModifyTargetGroup", judged(Form::new().with("TargetGroupArn", &found.arn))).await?;
            return Ok(found.arn);
        }
        let form = Form::new()
            .with("Name", name)
            .with("Protocol", protocol)
            .with("Port", port)
            .with("VpcId", vpc)
            .with("TargetType", "ip")
            .tags("Tags.member", &tags(service));
        made(self.elb("CreateTargetGroup", judged(form)).await)?;
        let arn = self.target_group(name).await?.unwrap_or_default().arn;
        let form = Form::new()
            .with("TargetGroupArn", &arn)
            .with("Attributes.member.1.Key", "deregistration_delay.timeout_seconds")
            .with("Attributes.member.1.Value", 30);
        self.elb("ModifyTargetGroupAttributes", form).await?;
        Ok(arn)
    }

    /// The listeners of a load balancer.
    pub(crate) async fn listeners(&self, balancer: &str) -> Result<Vec<Listener>> {
        let found =
            optional(self.elb("DescribeListeners", Form::new().with("LoadBalancerArn", balancer)).await)?;
        let listener = |node: &Node| Listener {
            arn: node.text("ListenerArn"),
            port: node.text("Port").parse().unwrap_or(0),
            protocol: node.text("Protocol"),
            group: node.list("DefaultActions").next().map(|to| to.text("TargetGroupArn")).unwrap_or_default(),
        };
        Ok(found.map(|answer| answer.list("Listeners").map(listener).collect()).unwrap_or_default())
    }

    /// Makes a load balancer listen on a port for a group of targets.
    pub(crate) async fn ensure_listener(
        &self,
        balancer: &str,
        service: &str,
        there: &[Listener],
        wanted: &Listener,
    ) -> Result<()> {
        let known = there.iter().find(|one| one.port == wanted.port);
        if known.is_some_and(|one| one.protocol == wanted.protocol && one.group == wanted.group) {
            return Ok(());
        }
        let form = Form::new()
            .with("Protocol", &wanted.protocol)
            .with("Port", wanted.port)
            .with("DefaultActions.member.1.Type", "forward")
            .with("DefaultActions.member.1.TargetGroupArn", &wanted.group);
        match known {
            Some(one) => self.elb("ModifyListener", form.with("ListenerArn", &one.arn)).await.map(|_| ()),
            None => {
                let form = form.with("LoadBalancerArn", balancer).tags("Tags.member", &tags(service));
                made(self.elb("CreateListener", form).await)
            }
        }
    }

    /// Removes a listener, a load balancer or a group of targets, by its ARN.
    pub(crate) async fn delete_balancing(&self, arn: &str) -> Result<()> {
        let (operation, name) = if arn.contains(":listener/") {
            ("DeleteListener", "ListenerArn")
        } else if arn.contains(":targetgroup/") {
            ("DeleteTargetGroup", "TargetGroupArn")
        } else {
            ("DeleteLoadBalancer", "LoadBalancerArn")
        };
        gone(self.elb(operation, Form::new().with(name, arn)).await)
    }

    /// All load balancers and groups of targets that are ours, each with its service.
    pub(crate) async fn our_balancing(&self, prefix: &str) -> Result<Vec<(Balancing, String)>> {
        let mut ours = Vec::new();
        for (operation, list) in
            [("DescribeLoadBalancers", "LoadBalancers"), ("DescribeTargetGroups", "TargetGroups")]
        {
            let mut found = Vec::new();
            let mut marker = String::new();
            loop {
                let form = if marker.is_empty() { Form::new() } else { Form::new().with("Marker", &marker) };
                let answer = self.elb(operation, form).await?;
                found.extend(answer.list(list).map(balancing).filter(|one| one.name.starts_with(prefix)));
                marker = answer.find("NextMarker").map(|node| node.own().to_owned()).unwrap_or_default();
                if marker.is_empty() {
                    break;
                }
            }
            for some in found.chunks(20) {
                let arns: Vec<String> = some.iter().map(|one| one.arn.clone()).collect();
                let answer = self.elb("DescribeTags", Form::new().list("ResourceArns.member", &arns)).await?;
                for described in answer.list("TagDescriptions") {
                    let arn = described.text("ResourceArn");
                    let managed = described.tag("Tags", "sampan.managed").is_some();
                    if let Some(one) = some.iter().find(|one| managed && one.arn == arn) {
                        ours.push((one.clone(), described.tag("Tags", "sampan.service").unwrap_or_default()));
                    }
                }
            }
        }
        Ok(ours)
    }
}

fn balancing(node: &Node) -> Balancing {
    let either =
        |one: &str, other: &str| [node.text(one), node.text(other)].into_iter().find(|text| !text.is_empty());
    let arn = if node.at("LoadBalancerArn").is_some() {
        node.text("LoadBalancerArn")
    } else {
        node.text("TargetGroupArn")
    };
    Balancing {
        arn,
        name: either("LoadBalancerName", "TargetGroupName").unwrap_or_default(),
        host: node.text("DNSName"),
        port: node.text("Port").parse().unwrap_or(0),
    }
}
