//! Repositories of images.

use super::{gone, listed, made, optional, tag_of, tags, text};
use crate::client::{Api, Client};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sampan_provider::{Failure, RegistryAccess, Resource, Result};
use serde_json::{Value, json};

const ECR: Api = Api::json("api.ecr", "ecr", "AmazonEC2ContainerRegistry_V20150921");

impl Client {
    /// The repository, made when there is none, and what it takes to push to it.
    pub(crate) async fn ensure_repository(&self, name: &str, service: &str) -> Result<RegistryAccess> {
        let repository = match self.repository(name).await? {
            Some(found) => found,
            None => {
                let body = json!({ "repositoryName": name, "tags": listed(&tags(service), "Key", "Value") });
                made(self.json(ECR, "CreateRepository", &body).await)?;
                self.repository(name).await?.unwrap_or_default()
            }
        };
        let uri = text(&repository, "repositoryUri");
        let (host, path) = uri.split_once('/').ok_or_else(|| unreadable("no address of the repository"))?;
        let answer = self.json(ECR, "GetAuthorizationToken", &json!({})).await?;
        let given = &answer["authorizationData"][0];
        let token = BASE64_STANDARD.decode(text(given, "authorizationToken")).unwrap_or_default();
        let token = String::from_utf8(token).map_err(|_| unreadable("a token that is no text"))?;
        let (user, password) = token.split_once(':').ok_or_else(|| unreadable("a token without a user"))?;
        Ok(RegistryAccess {
            host: host.to_owned(),
            repository: path.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            insecure: text(given, "proxyEndpoint").starts_with("http://"),
        })
    }

    async fn repository(&self, name: &str) -> Result<Option<Value>> {
        let found = self.json(ECR, "DescribeRepositories", &json!({ "repositoryNames": [name] })).await;
        Ok(optional(found)?.map(|answer| answer["repositories"][0].clone()))
    }

    /// Those that are ours.
    pub(crate) async fn repositories(&self, prefix: &str) -> Result<Vec<Resource>> {
        let mut ours = Vec::new();
        for found in self.pages(ECR, "DescribeRepositories", json!({}), "repositories", "nextToken").await? {
            let name = text(&found, "repositoryName");
            if !name.starts_with(prefix) {
                continue;
            }
            let arn = text(&found, "repositoryArn");
            let answer = self.json(ECR, "ListTagsForResource", &json!({ "resourceArn": arn })).await?;
            if tag_of(&answer["tags"], "sampan.managed").is_some() {
                let service = tag_of(&answer["tags"], "sampan.service").unwrap_or_default();
                ours.push(Resource { kind: "ecr:repository".to_owned(), id: name, service });
            }
        }
        Ok(ours)
    }

    /// Removes it with its images.
    pub(crate) async fn delete_repository(&self, name: &str) -> Result<()> {
        gone(self.json(ECR, "DeleteRepository", &json!({ "repositoryName": name, "force": true })).await)
    }

    /// All elements of a list that comes in pages.
    pub(crate) async fn pages(
        &self,
        api: Api,
        operation: &str,
        mut body: Value,
        list: &str,
        token: &str,
    ) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let mut answer = self.json(api, operation, &body).await?;
            if let Value::Array(page) = answer[list].take() {
                all.extend(page);
            }
            match answer[token].take() {
                Value::String(next) if !next.is_empty() => body[token] = Value::String(next),
                _ => return Ok(all),
            }
        }
    }
}

fn unreadable(what: &str) -> Failure {
    Failure::Transport(format!("ecr of AWS answered with {what}"))
}
