//! Images to and from registries.

use super::Images;
use sampan_error::{Error, Kind, Result};
use sampan_image::{Compression, Reference};
use sampan_registry::{
    Credentials, Described, Document, Member, Platform, Pulled, Pushed, SearchResult, SearchTerm, Steps,
};

/// Results of a search when the caller sets no limit, and the most that may be asked for (Docker's own figures).
const SEARCH_LIMIT: usize = 25;
const LARGEST_SEARCH: usize = 100;

/// What is to be pulled.
#[derive(Debug, Clone, Default)]
pub struct PullRequest {
    /// Repository, with or without a tag or digest.
    pub image: String,
    /// Tag or digest; without one in either place all tags are pulled.
    pub tag: Option<String>,
    /// `os/architecture/variant`; `None` takes this machine's.
    pub platform: Option<String>,
    /// Who is asking.
    pub credentials: Credentials,
}

/// What is to be pushed.
#[derive(Debug, Clone, Default)]
pub struct PushRequest {
    /// Repository, with or without a tag.
    pub image: String,
    /// Tag; without one in either place all tags are pushed.
    pub tag: Option<String>,
    /// Only when the image is for this platform.
    pub platform: Option<String>,
    /// The form that layers are wanted in; `None` takes any that is there, else gzip.
    pub compression: Option<Compression>,
    /// Who is asking.
    pub credentials: Credentials,
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    /// The term, with or without a registry before it.
    pub term: String,
    /// Most results; `None` is 25.
    pub limit: Option<usize>,
    /// Fewest stars.
    pub stars: u64,
    /// Only official ones, or only others.
    pub official: Option<bool>,
    /// Only those that are built automatically, or only others.
    pub automated: Option<bool>,
    /// Who is asking.
    pub credentials: Credentials,
}

/// What a registry has under a name.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// Media type of what the name stands for.
    pub media_type: String,
    /// Its digest.
    pub digest: String,
    /// Its bytes.
    pub size: u64,
    /// What it runs on.
    pub platforms: Vec<Platform>,
}

impl Images {
    /// Pulls an image, or all tags of a repository. Dropping the future gives the pull up.
    ///
    /// # Errors
    /// A bad name; what the registry said; a full disk.
    pub async fn pull(&self, request: PullRequest, steps: Steps) -> Result<Vec<Pulled>> {
        let reference = named(&request.image, request.tag.as_deref())?;
        let platform = platform(request.platform.as_deref())?;
        let (transfers, credentials) = (&self.engine.inner.transfers, &request.credentials);
        let pulled = if reference.tag().is_none() && reference.digest().is_none() {
            transfers.pull_all(&reference, platform.as_ref(), credentials, &steps).await
        } else {
            transfers.pull(&reference, platform.as_ref(), credentials, &steps).await.map(|one| vec![one])
        };
        let pulled = pulled.map_err(refused)?;
        for one in &pulled {
            self.pulled_event(&one.name);
        }
        self.collect_later();
        Ok(pulled)
    }

    /// Pushes an image, or all tags of a repository. Dropping the future gives the push up.
    ///
    /// # Errors
    /// A bad name, no such image; what the registry said.
    pub async fn push(&self, request: PushRequest, steps: Steps) -> Result<Vec<Pushed>> {
        let reference = named(&request.image, request.tag.as_deref())?;
        if reference.digest().is_some() {
            return Err(Error::invalid("cannot push a digest reference"));
        }
        if let Some(platform) = platform(request.platform.as_deref())? {
            self.check_platform(&reference, &platform)?;
        }
        let (transfers, credentials) = (&self.engine.inner.transfers, &request.credentials);
        let pushed = if reference.tag().is_none() {
            transfers.push_all(&reference, credentials, request.compression, &steps).await
        } else {
            transfers.push(&reference, credentials, request.compression, &steps).await.map(|one| vec![one])
        };
        let pushed = pushed.map_err(refused)?;
        for one in &pushed {
            self.event(&one.image, &one.name, "push");
        }
        Ok(pushed)
    }

    /// Signs in at a registry. Gives an identity token where the registry has one.
    ///
    /// # Errors
    /// The registry does not know them, or cannot be reached.
    pub async fn login(&self, credentials: &Credentials) -> Result<String> {
        self.engine.inner.transfers.registries().login(credentials).await
    }

    /// Repositories that fit.
    ///
    /// # Errors
    /// A bad term or limit; no place could be searched.
    pub async fn search(&self, request: SearchRequest) -> Result<Vec<SearchResult>> {
        let limit = request.limit.unwrap_or(SEARCH_LIMIT);
        if limit == 0 || limit > LARGEST_SEARCH {
            return Err(Error::invalid(format!(
                "limit {limit} is outside the range of [1, {LARGEST_SEARCH}]"
            )));
        }
        let term = SearchTerm::parse(&request.term)?;
        let registries = self.engine.inner.transfers.registries();
        let mut found = registries.search(&term, &request.credentials, limit).await.map_err(refused)?;
        found.retain(|result| {
            result.star_count >= request.stars
                && request.official.is_none_or(|official| official == result.is_official)
                && request.automated.is_none_or(|automated| automated == result.is_automated)
        });
        if term.registry != "docker.io" {
            for result in &mut found {
                result.name = format!("{}/{}", term.registry, result.name);
            }
        }
        found.sort_by(|one, other| {
            other.star_count.cmp(&one.star_count).then_with(|| one.name.cmp(&other.name))
        });
        Ok(found)
    }

    /// What a registry has under a name, without pulling it.
    ///
    /// # Errors
    /// A bad name; what the registry said.
    pub async fn distribution(&self, name: &str, credentials: &Credentials) -> Result<Distribution> {
        let reference = Reference::parse(name)?.or_latest();
        let found = self.manifest(&reference, credentials).await?;
        let descriptor = found.descriptor;
        let platforms = match Document::parse(&found.bytes, &descriptor.media_type)? {
            Document::Index(index) => {
                index.manifests.into_iter().filter_map(|entry| entry.platform).collect()
            }
            Document::Manifest(_) => descriptor.platform.into_iter().collect(),
        };
        Ok(Distribution {
            media_type: descriptor.media_type,
            digest: descriptor.digest,
            size: descriptor.size,
            platforms,
        })
    }

    /// A manifest or an index of a registry, with what it runs on.
    ///
    /// # Errors
    /// What the registry said.
    pub async fn manifest(&self, reference: &Reference, credentials: &Credentials) -> Result<Described> {
        self.engine.inner.transfers.describe(reference, credentials).await.map_err(refused)
    }

    /// Gives a list of manifests to a registry; its digest.
    ///
    /// # Errors
    /// What the registry said.
    pub async fn push_list(
        &self,
        target: &Reference,
        members: &[Member],
        credentials: &Credentials,
    ) -> Result<String> {
        self.engine.inner.transfers.push_list(target, members, credentials).await.map_err(refused)
    }

    /// As Docker: the actor of a pull is the name.
    fn pulled_event(&self, name: &str) {
        let labels = self.engine.inner.images.find(name).map(|image| image.config.labels.clone());
        let mut attributes = labels.unwrap_or_default();
        let short = name.split_once('@').map_or(name, |(name, _)| name);
        let base = match short.rsplit_once(':') {
            Some((base, tag)) if !tag.contains('/') => base,
            _ => short,
        };
        attributes.insert("name".to_owned(), base.to_owned());
        self.engine.inner.events.publish("image", "pull", name, attributes);
    }

    fn check_platform(&self, reference: &Reference, wanted: &Platform) -> Result<()> {
        let image = self.engine.inner.images.find(&reference.clone().or_latest().to_string())?;
        let own = Platform::parse(&image.platform())?;
        if wanted.matches(&own) {
            return Ok(());
        }
        Err(Error::not_found(format!(
            "image with reference {} was found but does not provide the specified platform ({wanted})",
            reference.familiar()
        )))
    }
}

/// A name with the tag or digest that stands beside it.
fn named(image: &str, tag: Option<&str>) -> Result<Reference> {
    let reference = Reference::parse(image)?;
    match tag {
        None => Ok(reference),
        Some(digest) if digest.contains(':') => {
            Ok(Reference::parse(&format!("{}@{digest}", reference.repository()))?)
        }
        Some(tag) => Ok(reference.with_tag(tag)?),
    }
}

/// The registry does not know the caller. The engine itself does: clients that read a 401 ask for a name and a
/// password and wait.
fn refused(error: Error) -> Error {
    match error.kind() {
        Kind::Unauthenticated => Error::new(Kind::PermissionDenied, error.to_string()).caused_by(error),
        _ => error,
    }
}

fn platform(text: Option<&str>) -> Result<Option<Platform>> {
    text.filter(|text| !text.is_empty()).map(Platform::parse).transpose()
}
