//! ECR: repositories and the login to the registry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::wire::members::{needed, tag_list, tags, texts};
use crate::wire::{Answered, Call, Failure};

/// How long a login is said to last, in milliseconds. It ends with the simulation.
const LOGIN: i64 = 12 * 3600 * 1000;

fn missing(cloud: &Cloud, name: &str) -> Failure {
    let account = &cloud.keys.account;
    let said =
        format!("The repository with name '{name}' does not exist in the registry with id '{account}'");
    Failure::new("RepositoryNotFoundException", said)
}

/// Answers a call.
pub(crate) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let region = &call.region;
    match call.operation.as_str() {
        "GetAuthorizationToken" => {
            let token = STANDARD.encode(format!("AWS:{}", cloud.registry.token));
            Ok(json!({ "authorizationData": [{ "authorizationToken": token,
                "expiresAt": clock::seconds(clock::now() + LOGIN),
                "proxyEndpoint": format!("http://{}", cloud.registry.host) }] }))
        }
        "DescribeRepositories" => cloud.store.look(region, |region| {
            let names = texts(input, "repositoryNames");
            if let Some(name) = names.iter().find(|name| region.thing("repository", name).is_none()) {
                return Err(missing(cloud, name));
            }
            let is_asked = |one: &&Value| {
                names.is_empty() || one["repositoryName"].as_str().is_some_and(|name| names.contains(&name))
            };
            Ok(json!({ "repositories": region.all("repository").filter(is_asked).collect::<Vec<_>>() }))
        }),
        "CreateRepository" => {
            let name = needed(input, "repositoryName")?;
            let arn = cloud.arn("ecr", region, &format!("repository/{name}"));
            let made = json!({ "repositoryArn": arn, "registryId": cloud.keys.account, "repositoryName": name,
                "repositoryUri": format!("{}/{name}", cloud.registry.host), "createdAt": clock::seconds(clock::now()),
                "imageTagMutability": "MUTABLE", "imageScanningConfiguration": { "scanOnPush": false },
                "encryptionConfiguration": { "encryptionType": "AES256" } });
            cloud.store.change(region, |region| {
                if region.thing("repository", name).is_some() {
                    let said = format!(
                        "The repository with name '{name}' already exists in the registry with id '{}'",
                        cloud.keys.account
                    );
                    return Err(Failure::new("RepositoryAlreadyExistsException", said));
                }
                region.keep("repository", name, made.clone());
                region.tag(&arn, tags(&input["tags"]));
                Ok(json!({ "repository": made }))
            })
        }
        "DeleteRepository" => {
            let name = needed(input, "repositoryName")?;
            let arn = cloud.arn("ecr", region, &format!("repository/{name}"));
            cloud.store.change(region, |region| {
                region.tags.remove(&arn);
                let gone = region.forget("repository", name).ok_or_else(|| missing(cloud, name))?;
                Ok(json!({ "repository": gone }))
            })
        }
        "ListTagsForResource" => cloud.store.look(region, |region| {
            Ok(json!({ "tags": tag_list(region.tags.get(needed(input, "resourceArn")?), "Key", "Value") }))
        }),
        "TagResource" => cloud.store.change(region, |region| {
            region.tag(needed(input, "resourceArn")?, tags(&input["tags"]));
            Ok(Value::Null)
        }),
        _ => Err(Failure::unknown(call)),
    }
}
