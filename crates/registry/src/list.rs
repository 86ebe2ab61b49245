//! Lists of manifests that somebody puts together: one name for the same image on several platforms.

use bytes::Bytes;
use sampan_error::{Error, Result};
use sampan_image::Reference;
use serde_json::json;

use crate::client::{Fetched, Repository, Started};
use crate::credentials::Credentials;
use crate::manifest::{
    DOCKER_LIST, DOCKER_MANIFEST, Descriptor, Document, LARGEST_CONFIG, OCI_INDEX, Platform,
};
use crate::transfers::Transfers;

/// What a registry has under a name.
#[derive(Debug, Clone)]
pub struct Described {
    /// What it is; of an image with the platform.
    pub descriptor: Descriptor,
    /// Its bytes as they came.
    pub bytes: Bytes,
}

/// A member of a list that is pushed.
#[derive(Debug, Clone)]
pub struct Member {
    /// Where it is, in the same registry as the list.
    pub source: Reference,
    /// What it is, with the platform that the list says.
    pub descriptor: Descriptor,
}

impl Transfers {
    /// Fetches a manifest or an index, and says what it runs on.
    ///
    /// # Errors
    /// What the last place that was asked said.
    pub async fn describe(&self, reference: &Reference, credentials: &Credentials) -> Result<Described> {
        let wanted = reference.digest().or(reference.tag()).unwrap_or("latest");
        let mut failure = Error::not_found(format!("{} has no source", reference.familiar()));
        for source in self.registries().sources(reference, credentials)? {
            match source.manifest(wanted).await {
                Ok(fetched) => return described(&source, fetched).await,
                Err(error) => {
                    failure =
                        Error::from(error).context(format!("no such manifest: {}", reference.familiar()))
                }
            }
        }
        Err(failure)
    }

    /// Pushes a list under a tag. What its members need is mounted from their repositories. Gives the list's digest.
    ///
    /// # Errors
    /// `InvalidArgument` for a member of another registry, or without a platform; what the registry said.
    pub async fn push_list(
        &self,
        target: &Reference,
        members: &[Member],
        credentials: &Credentials,
    ) -> Result<String> {
        let repository = self.registries().target(target, credentials)?;
        let tag = target.tag().unwrap_or("latest");
        for member in members {
            if member.descriptor.platform.as_ref().is_none_or(|platform| platform.architecture.is_empty()) {
                return Err(Error::invalid(format!(
                    "manifest {} must have an OS and Architecture to be pushed to a registry",
                    member.source.familiar()
                )));
            }
            if member.source.domain() != target.domain() {
                return Err(Error::invalid(
                    "cannot use source images from a different registry than the target image",
                ));
            }
            if member.source.repository() != target.repository() {
                self.bring(&repository, member, credentials).await?;
            }
        }
        let docker = members.iter().all(|member| member.descriptor.media_type == DOCKER_MANIFEST);
        let media_type = if docker { DOCKER_LIST } else { OCI_INDEX };
        let manifests: Vec<&Descriptor> = members.iter().map(|member| &member.descriptor).collect();
        let list = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests});
        let bytes = serde_json::to_vec_pretty(&list).map_err(std::io::Error::from)?;
        Ok(repository.put_manifest(tag, media_type, bytes.into()).await?)
    }

    /// Sees to it that a repository has a manifest that another one of its registry has.
    async fn bring(&self, repository: &Repository, member: &Member, credentials: &Credentials) -> Result<()> {
        let source = self.registries().target(&member.source, credentials)?;
        let fetched = source.manifest(&member.descriptor.digest).await?;
        let Document::Manifest(manifest) = Document::parse(&fetched.bytes, &fetched.media_type)? else {
            return Err(Error::invalid(format!("{} is a list itself", member.source.familiar())));
        };
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if repository.head_blob(&blob.digest).await?.is_some() {
                continue;
            }
            if let Started::Upload(upload) =
                repository.start_upload(Some((&blob.digest, source.path()))).await?
            {
                repository.cancel_upload(upload).await;
                return Err(Error::unavailable(format!(
                    "registry {} does not mount blob {} from {}: push the image to {} first",
                    repository.host(),
                    blob.digest,
                    source.display(),
                    repository.display()
                )));
            }
        }
        repository.put_manifest(&fetched.digest, &fetched.media_type, fetched.bytes).await?;
        Ok(())
    }
}

async fn described(source: &Repository, fetched: Fetched) -> Result<Described> {
    let media_type = fetched.media_type.clone();
    let mut platform = None;
    if let Document::Manifest(manifest) = Document::parse(&fetched.bytes, &fetched.media_type)? {
        let config = source.small_blob(&manifest.config.digest, manifest.config.size, LARGEST_CONFIG).await?;
        // An artifact that is no image runs on nothing.
        platform = serde_json::from_slice::<Platform>(&config).ok();
    }
    let size = fetched.bytes.len() as u64;
    let descriptor =
        Descriptor { media_type, digest: fetched.digest, size, platform, ..Descriptor::default() };
    Ok(Described { descriptor, bytes: fetched.bytes })
}
