//! The services, one file each.

pub(crate) mod ec2;
pub(crate) mod ecr;
pub(crate) mod ecs;
pub(crate) mod efs;
pub(crate) mod elbv2;
pub(crate) mod iam;
pub(crate) mod logs;
pub(crate) mod monitoring;
pub(crate) mod scaling;

use std::sync::Arc;

use crate::cloud::Cloud;
use crate::wire::{Answered, Call, Failure};

/// Sends a call to its service.
pub(crate) async fn answer(cloud: &Arc<Cloud>, call: &Call) -> Answered {
    match call.service.as_str() {
        "sts" | "iam" => iam::answer(cloud, call),
        "ecr" => ecr::answer(cloud, call),
        "ecs" => ecs::answer(cloud, call),
        "ec2" => ec2::answer(cloud, call),
        "elasticloadbalancing" => elbv2::answer_with_host(cloud, call).await,
        "monitoring" => monitoring::answer(cloud, call).await,
        "logs" => logs::answer(cloud, call).await,
        "application-autoscaling" => scaling::answer(cloud, call),
        "elasticfilesystem" => efs::answer(cloud, call).await,
        _ => Err(Failure::unknown(call)),
    }
}
