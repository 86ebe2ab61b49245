//! Volumes: one file system, a folder of it with an access point for each volume.

use super::{Tags, gone, listed, made, optional, tag_of, tags, text};
use crate::client::{Api, Client};
use reqwest::Method;
use sampan_provider::{Failure, Result};
use serde_json::{Value, json};
use std::time::Duration;

const EFS: Api = Api::json("elasticfilesystem", "elasticfilesystem", "");
const ROOT: &str = "/2015-02-01";
/// The file system's name.
pub(crate) const FILE_SYSTEM: &str = "sampan";

impl Client {
    async fn efs(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        self.rest(EFS, method, &format!("{ROOT}/{path}"), body).await
    }

    /// The file system of all volumes; `None` when there is none.
    pub(crate) async fn file_system(&self) -> Result<Option<Value>> {
        let found = optional(self.efs(Method::GET, "file-systems?CreationToken=sampan", None).await)?;
        Ok(found.and_then(|answer| answer["FileSystems"].as_array()?.first().cloned()))
    }

    /// The id of the file system, made when there is none, and reachable in these subnets.
    pub(crate) async fn ensure_file_system(&self, subnets: &[String], group: &str) -> Result<String> {
        if self.file_system().await?.is_none() {
            let mut all: Tags = tags("");
            all.push(("Name".to_owned(), FILE_SYSTEM.to_owned()));
            let body = json!({ "CreationToken": FILE_SYSTEM, "Encrypted": true, "PerformanceMode": "generalPurpose",
                "ThroughputMode": "elastic", "Tags": listed(&all, "Key", "Value") });
            made(self.efs(Method::POST, "file-systems", Some(&body)).await)?;
        }
        let mut id = String::new();
        for pause in [0, 1, 2, 4, 8, 15, 30] {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            let found = self.file_system().await?.unwrap_or_default();
            if found["LifeCycleState"] == "available" {
                id = text(&found, "FileSystemId");
                break;
            }
        }
        if id.is_empty() {
            return Err(Failure::Deadline(
                "the file system for volumes does not get ready: try again".to_owned(),
            ));
        }
        let targets = self.mount_targets(&id).await?;
        for subnet in subnets {
            if !targets.iter().any(|(_, there)| there == subnet) {
                let body = json!({ "FileSystemId": id, "SubnetId": subnet, "SecurityGroups": [group] });
                made(self.efs(Method::POST, "mount-targets", Some(&body)).await)?;
            }
        }
        Ok(id)
    }

    /// Its mount targets: id and subnet.
    pub(crate) async fn mount_targets(&self, file_system: &str) -> Result<Vec<(String, String)>> {
        let answer =
            self.efs(Method::GET, &format!("mount-targets?FileSystemId={file_system}"), None).await?;
        let targets = answer["MountTargets"].as_array().into_iter().flatten();
        Ok(targets.map(|target| (text(target, "MountTargetId"), text(target, "SubnetId"))).collect())
    }

    /// Its access points.
    pub(crate) async fn access_points(&self, file_system: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("access-points?FileSystemId={file_system}{next}");
            let mut answer = self.efs(Method::GET, &path, None).await?;
            all.extend(answer["AccessPoints"].as_array_mut().map(std::mem::take).unwrap_or_default());
            match answer["NextToken"].as_str() {
                Some(token) => {
                    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
                    next = format!("&NextToken={token}");
                }
                None => return Ok(all),
            }
        }
    }

    /// The access point of a volume, made when there is none. A folder of its own each time that one is made: what a
    /// removed volume held never comes up in another.
    pub(crate) async fn ensure_access_point(
        &self,
        file_system: &str,
        volume: &str,
        service: &str,
    ) -> Result<String> {
        let there = self.access_points(file_system).await?;
        let mine = |point: &&Value| tag_of(&point["Tags"], "sampan.volume").as_deref() == Some(volume);
        if let Some(found) = there.iter().find(mine) {
            return Ok(text(found, "AccessPointId"));
        }
        let mut all = tags(service);
        all.push(("sampan.volume".to_owned(), volume.to_owned()));
        let folder = format!("/{:x}", jiff::Timestamp::now().as_microsecond());
        let body = json!({ "ClientToken": format!("sampan{}", folder.trim_start_matches('/')),
            "FileSystemId": file_system, "Tags": listed(&all, "Key", "Value"), "RootDirectory": { "Path": folder,
            "CreationInfo": { "OwnerUid": 0, "OwnerGid": 0, "Permissions": "0755" } } });
        let made = self.efs(Method::POST, "access-points", Some(&body)).await?;
        Ok(text(&made, "AccessPointId"))
    }

    /// Removes an access point, a mount target or the file system.
    pub(crate) async fn delete_efs(&self, kind: &str, id: &str) -> Result<()> {
        gone(self.efs(Method::DELETE, &format!("{kind}/{id}"), None).await)
    }
}
