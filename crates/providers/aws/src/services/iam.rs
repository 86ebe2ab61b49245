//! The role that ECS has when it fetches an image and writes logs.

use super::{gone, made, optional, tags};
use crate::client::{Api, Client, Form};
use sampan_provider::Result;

const IAM: Api = Api { global: true, ..Api::query("iam", "2010-05-08") };
const POLICY: &str = "policy/service-role/AmazonECSTaskExecutionRolePolicy";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

impl Client {
    /// The role's ARN; `None` when there is none.
    pub(crate) async fn role(&self) -> Result<Option<String>> {
        let found = self.query(IAM, "GetRole", Form::new().with("RoleName", self.role_name())).await;
        Ok(optional(found)?.and_then(|answer| Some(answer.find("Arn")?.own().to_owned())))
    }

    /// The role's ARN, made when there is none.
    pub(crate) async fn ensure_role(&self) -> Result<String> {
        let arn = match self.role().await? {
            Some(arn) => arn,
            None => {
                let form = Form::new()
                    .with("RoleName", self.role_name())
                    .with("AssumeRolePolicyDocument", TRUST)
                    .with("Description", "What ECS may do to start containers of Sampan")
                    .tags("Tags.member", &tags(""));
                made(self.query(IAM, "CreateRole", form).await)?;
                self.role().await?.unwrap_or_default()
            }
        };
        let form = Form::new().with("RoleName", self.role_name()).with("PolicyArn", self.policy());
        made(self.query(IAM, "AttachRolePolicy", form).await)?;
        Ok(arn)
    }

    /// Removes it.
    pub(crate) async fn delete_role(&self) -> Result<()> {
        let form = Form::new().with("RoleName", self.role_name());
        gone(self.query(IAM, "DetachRolePolicy", form.clone().with("PolicyArn", self.policy())).await)?;
        gone(self.query(IAM, "DeleteRole", form).await)
    }

    /// Roles are of all regions, but the last container of one must not take the role from another.
    fn role_name(&self) -> String {
        format!("sampan-execution-{}", self.region)
    }

    fn policy(&self) -> String {
        let partition = if self.region.starts_with("cn-") { "aws-cn" } else { "aws" };
        format!("arn:{partition}:iam::aws:{POLICY}")
    }
}
