//! Networks and what they let through.

use super::{gone, made, tags};
use crate::client::{Api, Client, Form, Node};
use sampan_provider::{Failure, Resource, Result};

const EC2: Api = Api::query("ec2", "2016-11-15");

/// A network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vpc {
    /// `vpc-…`.
    pub(crate) id: String,
    /// Its addresses.
    pub(crate) cidr: String,
}

/// What a security group lets in: protocol (`tcp`, `udp`), port, from where.
pub(crate) type Opening = (String, u16, String);

fn filters(pairs: &[(&str, &str)]) -> Form {
    pairs.iter().enumerate().fold(Form::new(), |form, (at, (name, value))| {
        let filter = format!("Filter.{}", at + 1);
        form.with(format!("{filter}.Name"), name).with(format!("{filter}.Value.1"), value)
    })
}

fn openings(form: Form, openings: &[Opening]) -> Form {
    openings.iter().enumerate().fold(form, |form, (at, (protocol, port, from))| {
        let one = format!("IpPermissions.{}", at + 1);
        form.with(format!("{one}.IpProtocol"), protocol)
            .with(format!("{one}.FromPort"), port)
            .with(format!("{one}.ToPort"), port)
            .with(format!("{one}.IpRanges.1.CidrIp"), from)
    })
}

impl Client {
    /// The network of that id, or the default one for an empty id.
    pub(crate) async fn vpc(&self, id: &str) -> Result<Option<Vpc>> {
        let form =
            if id.is_empty() { filters(&[("is-default", "true")]) } else { Form::new().with("VpcId.1", id) };
        let answer = self.query(EC2, "DescribeVpcs", form).await?;
        let found = answer.list("vpcSet").next();
        Ok(found.map(|vpc| Vpc { id: vpc.text("vpcId"), cidr: vpc.text("cidrBlock") }))
    }

    /// The ids of its subnets that are there by default, and the network of given ones.
    pub(crate) async fn subnets(&self, vpc: &str, default: bool) -> Result<Vec<String>> {
        let mut pairs = vec![("vpc-id", vpc)];
        if default {
            pairs.push(("default-for-az", "true"));
        }
        let answer = self.query(EC2, "DescribeSubnets", filters(&pairs)).await?;
        let mut found: Vec<String> = answer.list("subnetSet").map(|subnet| subnet.text("subnetId")).collect();
        found.sort();
        Ok(found)
    }

    /// The network that a subnet is in.
    pub(crate) async fn vpc_of(&self, subnet: &str) -> Result<String> {
        let answer = self.query(EC2, "DescribeSubnets", Form::new().with("SubnetId.1", subnet)).await?;
        Ok(answer.list("subnetSet").next().map(|subnet| subnet.text("vpcId")).unwrap_or_default())
    }

    async fn groups(&self, form: Form) -> Result<Node> {
        self.query(EC2, "DescribeSecurityGroups", form).await
    }

    /// The id of a security group that lets in exactly this.
    pub(crate) async fn ensure_group(
        &self,
        name: &str,
        vpc: &str,
        service: &str,
        wanted: &[Opening],
    ) -> Result<String> {
        let known = || filters(&[("group-name", name), ("vpc-id", vpc)]);
        let mut answer = self.groups(known()).await?;
        if answer.list("securityGroupInfo").next().is_none() {
            let form = Form::new()
                .with("GroupName", name)
                .with("GroupDescription", "What containers of Sampan let in")
                .with("VpcId", vpc)
                .with("TagSpecification.1.ResourceType", "security-group")
                .tags("TagSpecification.1.Tag", &tags(service));
            made(self.query(EC2, "CreateSecurityGroup", form).await)?;
            answer = self.groups(known()).await?;
        }
        let group = answer.list("securityGroupInfo").next();
        let group =
            group.ok_or_else(|| Failure::Transport("ec2 of AWS forgot a security group".to_owned()))?;
        let (id, there) = (group.text("groupId"), opened(group));
        let missing: Vec<Opening> = wanted.iter().filter(|one| !there.contains(one)).cloned().collect();
        let surplus: Vec<Opening> = there.iter().filter(|one| !wanted.contains(one)).cloned().collect();
        let form = || Form::new().with("GroupId", &id);
        if !missing.is_empty() {
            made(self.query(EC2, "AuthorizeSecurityGroupIngress", openings(form(), &missing)).await)?;
        }
        if !surplus.is_empty() {
            gone(self.query(EC2, "RevokeSecurityGroupIngress", openings(form(), &surplus)).await)?;
        }
        Ok(id)
    }

    /// Security groups that are ours: id, name and service.
    pub(crate) async fn our_groups(&self) -> Result<Vec<(Resource, String)>> {
        let answer = self.groups(filters(&[("tag:sampan.managed", "1")])).await?;
        let ours = answer.list("securityGroupInfo").map(|group| {
            let service = group.tag("tagSet", "sampan.service").unwrap_or_default();
            let resource =
                Resource { kind: "ec2:security-group".to_owned(), id: group.text("groupId"), service };
            (resource, group.text("groupName"))
        });
        Ok(ours.collect())
    }

    /// Removes one.
    pub(crate) async fn delete_group(&self, id: &str) -> Result<()> {
        gone(self.query(EC2, "DeleteSecurityGroup", Form::new().with("GroupId", id)).await)
    }
}

fn opened(group: &Node) -> Vec<Opening> {
    let rules = group.list("ipPermissions");
    rules
        .flat_map(|rule| {
            let (protocol, port) = (rule.text("ipProtocol"), rule.text("fromPort").parse().unwrap_or(0));
            let from: Vec<Opening> =
                rule.list("ipRanges").map(|range| (protocol.clone(), port, range.text("cidrIp"))).collect();
            from
        })
        .collect()
}
