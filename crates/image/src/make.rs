//! Making images here: import, commit, and the images that come with the program.

use crate::changes::apply_changes;
use crate::config::{ConfigFile, History, ImageConfig, RootFs};
use crate::error::{ImageError, Result};
use crate::image::{Image, chain_ids, now, rfc3339};
use crate::ingest::{Ingested, ingest, ingest_written};
use crate::reference::Reference;
use crate::store::{Entering, Store};
use sampan_storage::tar::{BLOCK, Entry, EntryKind, Writer};
use std::io::Read;
use std::sync::Arc;

/// Label of an image that comes with the program.
const BUILTIN_LABEL: &str = "sampan.builtin";
/// Digest of a tar without entries: two blocks of zeros. Such a layer is left out of an image.
pub(crate) const EMPTY_LAYER: &str =
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// What a caller wants of [`Store::import`].
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Name to give the image: repository, or repository and tag.
    pub name: Option<String>,
    /// Dockerfile-like instructions.
    pub changes: Vec<String>,
    /// Message; by default `Imported from -`.
    pub message: String,
    /// `os[/architecture[/variant]]`; by default this host's.
    pub platform: Option<String>,
}

/// What a caller wants of [`Store::commit`].
#[derive(Debug, Clone, Default)]
pub struct CommitRequest {
    /// The image that the container was made from.
    pub parent: Option<String>,
    /// What containers of the new image run with, before `changes`.
    pub config: ImageConfig,
    /// Dockerfile-like instructions.
    pub changes: Vec<String>,
    /// Who made it.
    pub author: String,
    /// Message.
    pub message: String,
    /// The container's id.
    pub container: String,
    /// The container's command, for the history.
    pub created_by: String,
    /// Name to give the image.
    pub reference: Option<String>,
}

impl Store {
    /// Makes an image of one layer from a tar stream (plain, gzip or zstd).
    ///
    /// # Errors
    /// `InvalidArgument` for the name, a change, the platform or the archive.
    pub fn import(&self, tar: &mut dyn Read, options: &ImportOptions) -> Result<Arc<Image>> {
        let name = parse_tag(options.name.as_deref())?;
        let mut config = ImageConfig::default();
        apply_changes(&mut config, &options.changes)?;
        let (os, architecture, variant) = platform(options.platform.as_deref())?;
        let created = rfc3339(now());
        let comment =
            if options.message.is_empty() { "Imported from -".to_owned() } else { options.message.clone() };
        let layer = ingest(&*self.driver, tar)?;
        let file = ConfigFile {
            history: vec![History {
                created: Some(created.clone()),
                comment: comment.clone(),
                ..History::default()
            }],
            created: Some(created),
            author: String::new(),
            architecture,
            variant,
            os,
            os_version: String::new(),
            docker_version: String::new(),
            container: String::new(),
            comment,
            config,
            rootfs: RootFs { kind: "layers".into(), diff_ids: vec![layer.diff_id.clone()] },
            build_cache: Vec::new(),
        };
        self.finish(&file, Some(layer), None, name.as_ref(), Entering::default())
    }

    /// Makes an image from a container's changes, given as a layer tar. Returns the image's id.
    ///
    /// # Errors
    /// `NotFound` for the parent; `InvalidArgument` for the name, a change, or a tar that does not reach
    /// its end (its producer failed).
    pub fn commit(&self, request: &CommitRequest, diff: &mut dyn Read) -> Result<String> {
        check(request)?;
        let mut whole = EndSeen { input: diff, zeros: 0 };
        let layer = ingest(&*self.driver, &mut whole)?;
        if whole.zeros < 2 * BLOCK {
            return Err(ImageError::InvalidArchive(
                "the container's changes came to an end too early".into(),
            ));
        }
        self.commit_ingested(request, layer)
    }

    /// Makes an image from a writable layer of the snapshot driver. Returns the image's id.
    ///
    /// # Errors
    /// `NotFound` for the writable layer or the parent; `InvalidArgument` for the name or a change.
    pub fn commit_writable(&self, request: &CommitRequest, writable: &str) -> Result<String> {
        check(request)?;
        let layer = ingest_written(&*self.driver, |out| Ok(self.driver.diff_tar(writable, out)?))?;
        self.commit_ingested(request, layer)
    }

    fn commit_ingested(&self, options: &CommitRequest, layer: Ingested) -> Result<String> {
        let name = parse_tag(options.reference.as_deref())?;
        let mut config = options.config.clone();
        apply_changes(&mut config, &options.changes)?;
        let parent = options.parent.as_deref().map(|id| self.find(id)).transpose()?;
        let empty = layer.diff_id == EMPTY_LAYER;
        let created = rfc3339(now());
        let (os, architecture, variant) = match &parent {
            Some(parent) => (parent.os.clone(), parent.architecture.clone(), parent.variant.clone()),
            None => platform(None)?,
        };
        let mut history = parent.as_ref().map(|parent| parent.history.clone()).unwrap_or_default();
        history.push(History {
            created: Some(created.clone()),
            author: options.author.clone(),
            created_by: options.created_by.clone(),
            comment: options.message.clone(),
            empty_layer: empty,
        });
        let mut diff_ids = parent.as_ref().map(|parent| parent.diff_ids.clone()).unwrap_or_default();
        if !empty {
            diff_ids.push(layer.diff_id.clone());
        }
        let file = ConfigFile {
            created: Some(created),
            author: options.author.clone(),
            architecture,
            variant,
            os,
            os_version: parent.as_ref().map(|parent| parent.os_version.clone()).unwrap_or_default(),
            docker_version: String::new(),
            container: options.container.clone(),
            comment: options.message.clone(),
            config,
            rootfs: RootFs { kind: "layers".into(), diff_ids },
            history,
            build_cache: Vec::new(),
        };
        let layer = (!empty).then_some(layer);
        let image = self.finish(
            &file,
            layer,
            parent.map(|parent| parent.id.clone()),
            name.as_ref(),
            Entering::default(),
        )?;
        Ok(image.id.clone())
    }

    /// Makes an image of one program that comes with ours, with the program as `/hello` (or whatever
    /// `name` is without its tag), the same bytes every time. The name is given unless a user's own image
    /// has it. Cheap when the image is there already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn ensure_builtin(&self, name: &str, program: &[u8], mut config: ImageConfig) -> Result<Arc<Image>> {
        let name = Reference::parse(name)?.or_latest();
        let base = name.familiar_name();
        config.labels.insert(BUILTIN_LABEL.to_owned(), base.clone());
        let mut tar = Vec::with_capacity(program.len() + 4096);
        let mut writer = Writer::new(&mut tar);
        let mut entry = Entry::new(EntryKind::Regular, base.rsplit('/').next().unwrap_or(&base));
        entry.mode = 0o755;
        entry.size = program.len() as u64;
        writer.entry(&entry)?;
        writer.data(program)?;
        writer.finish()?;
        let (os, architecture, variant) = platform(None)?;
        let epoch = "1970-01-01T00:00:00Z".to_owned();
        let file = ConfigFile {
            created: Some(epoch.clone()),
            author: String::new(),
            architecture,
            variant,
            os,
            os_version: String::new(),
            docker_version: String::new(),
            container: String::new(),
            comment: String::new(),
            config,
            rootfs: RootFs { kind: "layers".into(), diff_ids: vec![crate::image::digest(&tar)] },
            history: vec![History {
                created: Some(epoch),
                created_by: format!("COPY {base} /{base}"),
                ..History::default()
            }],
            build_cache: Vec::new(),
        };
        let id = crate::image::digest(&encode(&file)?);
        let known = self.state().images.contains_key(&id);
        let layer = if known { None } else { Some(ingest(&*self.driver, &mut tar.as_slice())?) };
        let owner = self.state().names.get(&name.to_string()).cloned();
        let ours = owner.as_ref().and_then(|owner| self.find(owner).ok());
        let take = match &ours {
            None => true,
            Some(image) => image.id != id && image.config.labels.contains_key(BUILTIN_LABEL),
        };
        self.finish(&file, layer, None, take.then_some(&name), Entering::default())
    }

    /// Commits the top layer, enters the image and names it.
    pub(crate) fn finish(
        &self,
        file: &ConfigFile,
        layer: Option<Ingested>,
        parent: Option<String>,
        name: Option<&Reference>,
        entering: Entering,
    ) -> Result<Arc<Image>> {
        let config = encode(file)?;
        if layer.is_some() && !entering.later {
            self.driver.sync()?;
        }
        let _changing = self.changing();
        if let Some(layer) = layer {
            let chain = chain_ids(&file.rootfs.diff_ids);
            let (top, below) = match chain.as_slice() {
                [.., below, top] => (top, Some(below.as_str())),
                [top] => (top, None),
                [] => return Err(ImageError::Damaged("an image of one layer without a layer".into())),
            };
            if entering.later {
                self.unfinished.mark(top)?;
            }
            self.driver.commit_layer(layer.staged, top, below)?;
        }
        let image = self.enter(&config, parent, entering)?;
        if let Some(name) = name {
            self.set_name(name, &image.id)?;
        }
        self.find(&image.id)
    }
}

/// Finds mistakes before the work is done.
fn check(request: &CommitRequest) -> Result<()> {
    parse_tag(request.reference.as_deref())?;
    apply_changes(&mut ImageConfig::default(), &request.changes)
}

fn encode(file: &ConfigFile) -> Result<Vec<u8>> {
    serde_json::to_vec(file)
        .map_err(|error| ImageError::io("encoding a configuration", std::io::Error::from(error)))
}

/// A name that may get a tag; `latest` by default.
fn parse_tag(name: Option<&str>) -> Result<Option<Reference>> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let reference = Reference::parse(name)?;
    if reference.digest().is_some() {
        return Err(ImageError::InvalidReference("cannot import digest reference".into()));
    }
    Ok(Some(reference.or_latest()))
}

/// This host's architecture by Go's names, which images use.
#[must_use]
pub fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// Reads `os[/architecture[/variant]]`.
pub(crate) fn platform(text: Option<&str>) -> Result<(String, String, String)> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(("linux".into(), host_architecture().into(), String::new()));
    };
    let wrong = || {
        ImageError::Invalid(format!(
            "{text:?} is an invalid OS/architecture combination: it must be os/arch[/variant]"
        ))
    };
    let parts: Vec<&str> = text.split('/').collect();
    let good = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    if parts.len() > 3 || !parts.iter().all(good) {
        return Err(wrong());
    }
    let lower: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
    let architecture = |text: &str| match text {
        "x86_64" | "x86-64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        "i386" | "i686" => "386".to_owned(),
        other => other.to_owned(),
    };
    match lower.as_slice() {
        [os] if os == "linux" => Ok((os.clone(), host_architecture().into(), String::new())),
        [one] => Ok(("linux".into(), architecture(one), String::new())),
        [os, arch] => Ok((os.clone(), architecture(arch), String::new())),
        [os, arch, variant] => Ok((os.clone(), architecture(arch), variant.clone())),
        _ => Err(wrong()),
    }
}

/// Counts the zeros at the end of a stream: a whole tar has at least two blocks of them.
struct EndSeen<'a> {
    input: &'a mut dyn Read,
    zeros: usize,
}

impl Read for EndSeen<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(buffer)?;
        let zeros = buffer[..length].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == length { self.zeros.saturating_add(zeros) } else { zeros };
        Ok(length)
    }
}
