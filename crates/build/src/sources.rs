//! COPY and ADD: where the files come from, and the step that puts them into a layer.

use crate::build::Build;
use crate::context::Context;
use crate::copy::{self, Manner, Source};
use crate::digest::{Contents, digest};
use crate::files;
use crate::inputs::{Inputs, Listing};
use crate::state::{BELOW, State};
use crate::steps::tokio_blocking;
use sampan_dockerfile as dockerfile;
use sampan_error::{Error, Result};
use sampan_ignore::Ignore;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Files of one place.
struct Place {
    root: Arc<OwnedFd>,
    wanted: Vec<String>,
    /// Archives among them are unpacked.
    unpack: bool,
    /// Owners stay as they are.
    keeps_owners: bool,
    /// A repository with its `.git`: the commit stands for that in the step's number, since no two copies are the same.
    commit: Option<String>,
    /// What is known of the contents.
    known: Option<Arc<Contents>>,
    /// What was made for this step goes with it.
    _made: Option<Context>,
}

/// The same, looked up.
struct Found {
    place: Place,
    sources: Vec<Source>,
    manner: Manner,
}

impl Build {
    /// Carries a COPY or ADD of stage `index` out.
    pub(crate) async fn copy(
        &mut self,
        state: &mut State,
        index: usize,
        wish: &dockerfile::Copy,
        line: &dockerfile::Line,
    ) -> Result<()> {
        let add = line.text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("ADD"));
        let keyword = if add { "ADD" } else { "COPY" };
        let destination = state.expand(&wish.destination)?;
        let shown = wish.sources.join(" ");
        let created_by = format!("{keyword} {shown} {destination} # buildkit");
        let mode = wish.chmod.as_deref().map(|mode| octal(state, mode)).transpose()?;
        let chown = wish.chown.as_deref().map(|owner| state.expand(owner)).transpose()?;
        let exclude = wish.exclude.iter().map(|it| state.expand(it)).collect::<Result<Vec<_>>>()?;
        let places = self.places(state, index, wish, line, add).await?;
        let several = places.iter().map(|place| place.wanted.len()).sum::<usize>() > 1;
        let manner = Manner {
            mode,
            exclude: Arc::new(Ignore::of(exclude.iter().map(String::as_str))),
            parents: wish.parents,
            several,
            ..Manner::default()
        };
        let (engine, image) = (self.builder.engine.clone(), state.image.clone());
        let (found, digest, listing) = tokio_blocking(move || {
            let owner = chown
                .map(|text| {
                    let view = image.map(|image| engine.build_view(&image)).transpose()?;
                    match &view {
                        Some(view) => copy::owner(view.as_fd(), &text),
                        None => copy::numbers(&text),
                    }
                })
                .transpose()?;
            look_up(places, &manner, owner)
        })
        .await?;
        let target = state.absolute(&destination);
        let owner = found.first().and_then(|found| found.manner.owner);
        let mut inputs = Inputs::of([
            (BELOW, state.below()),
            ("the files", json!(digest)),
            ("the destination", json!(target)),
            ("the owner", json!(owner)),
            ("the mode", json!(mode)),
            ("flags", json!([add, wish.unpack, exclude, wish.parents])),
            ("SOURCE_DATE_EPOCH", json!(self.epoch)),
        ]);
        inputs.files = listing;
        let make = move |layer: BorrowedFd<'_>| {
            for Found { place, sources, manner } in &found {
                copy::copy(place.root.as_fd(), sources, layer, &target, manner)?;
            }
            Ok(())
        };
        self.layer_step(state, inputs, created_by, make).await
    }

    /// Everywhere that the sources of an instruction are.
    async fn places(
        &self,
        state: &State,
        index: usize,
        wish: &dockerfile::Copy,
        line: &dockerfile::Line,
        add: bool,
    ) -> Result<Vec<Place>> {
        let is_document = |source: &&String| !line.heredocs.is_empty() && source.starts_with("<<");
        let written = wish.sources.iter().filter(|source| !is_document(source));
        let written = written.map(|source| state.expand(source)).collect::<Result<Vec<_>>>()?;
        let is_remote = |source: &String| add && (is_web(source) || sampan_git::is_address(source));
        let (remote, wanted): (Vec<String>, Vec<String>) = written.into_iter().partition(is_remote);
        if wish.checksum.is_some() && (remote.len() != 1 || !wanted.is_empty()) {
            return Err(Error::invalid("checksum can't be specified for multiple or local sources"));
        }
        let from = wish.from.as_deref().map(|from| state.expand(from)).transpose()?;
        let mut places = Vec::new();
        if !wanted.is_empty() {
            let root = self.root_of(index, from.as_deref()).await?;
            // What comes from the context is root's; what comes from an image keeps its owner.
            let (unpack, keeps_owners) = (add && wish.unpack != Some(false), from.is_some());
            let known = if from.is_none() { self.known_contents() } else { None };
            places.push(Place { root, wanted, unpack, keeps_owners, commit: None, known, _made: None });
        }
        if !line.heredocs.is_empty() {
            places.push(self.documents(state, line)?);
        }
        for source in remote {
            places.push(self.remote(state, &source, wish).await?);
        }
        Ok(places)
    }

    /// The documents of a COPY as files, with their names.
    fn documents(&self, state: &State, line: &dockerfile::Line) -> Result<Place> {
        let files = Context::empty(&self.builder.folder()?)?;
        let mut names = Vec::new();
        for document in &line.heredocs {
            let text = if document.expand {
                state.expand_text(&document.content)?
            } else {
                document.content.clone()
            };
            std::fs::write(files.path().join(&document.name), text)?;
            names.push(document.name.clone());
        }
        made(files, names, false)
    }

    /// A file of a web server, or a repository.
    async fn remote(&self, state: &State, source: &str, wish: &dockerfile::Copy) -> Result<Place> {
        let checksum = wish.checksum.as_deref().map(|it| state.expand(it)).transpose()?;
        let folder = self.builder.folder()?;
        if sampan_git::is_address(source) {
            let (source, keep) = (source.to_owned(), wish.keep_git);
            let files = tokio_blocking(move || {
                let files = Context::empty(&folder)?;
                let below = sampan_git::checkout(&source, files.path(), keep)?;
                files.below(&below)
            });
            let mut place = made(files.await?, vec!["/".to_owned()], false)?;
            let head = files::open(place.root.as_fd(), ".git/HEAD").ok().map(std::fs::File::from);
            place.commit = head.map(std::io::read_to_string).transpose()?;
            return Ok(place);
        }
        let name = source.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        if name.is_empty() || source.matches('/').count() < 3 {
            return Err(Error::invalid(format!(
                "cannot tell the name of the file at {source}: end it with one"
            )));
        }
        let name = name.to_owned();
        let stream = self.builder.engine.images().open_url(source).await?;
        let mut reader = sampan_engine::blocking_reader(stream);
        let source = source.to_owned();
        let (files, name) = tokio_blocking(move || {
            let files = Context::empty(&folder)?;
            let path = files.path().join(&name);
            let digest = download(&mut reader, &path)?;
            match checksum {
                Some(wanted) if wanted != format!("sha256:{digest}") => Err(Error::invalid(format!(
                    "digest mismatch sha256:{digest}: {wanted}: the file at {source} is another one"
                ))),
                _ => Ok((files, name)),
            }
        })
        .await?;
        made(files, vec![name], wish.unpack == Some(true))
    }
}

fn made(files: Context, wanted: Vec<String>, unpack: bool) -> Result<Place> {
    let root = Arc::new(files.root.try_clone()?);
    Ok(Place { root, wanted, unpack, keeps_owners: false, commit: None, known: None, _made: Some(files) })
}

fn is_web(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

fn octal(state: &State, text: &str) -> Result<u32> {
    let text = state.expand(text)?;
    u32::from_str_radix(&text, 8)
        .map_err(|_| Error::invalid(format!("invalid chmod parameter: {text:?} is no octal number")))
}

/// Finds all sources, with a number of what they are.
fn look_up(
    places: Vec<Place>,
    manner: &Manner,
    owner: Option<(u32, u32)>,
) -> Result<(Vec<Found>, Vec<String>, Option<Listing>)> {
    let mut digests = Vec::new();
    let mut listing = Some(Listing::new());
    let mut all = Vec::new();
    for place in places {
        let sources = copy::sources(place.root.as_fd(), &place.wanted, manner.parents)?;
        let kept = if place.keeps_owners { None } else { Some((0, 0)) };
        let manner = Manner { owner: owner.or(kept), unpack: place.unpack, ..manner.clone() };
        if let Some(commit) = &place.commit {
            let but_git = Arc::new(Ignore::of([".git"].into_iter()));
            let manner = Manner { exclude: but_git, ..manner.clone() };
            let (digest, _) = digest(place.root.as_fd(), &sources, &manner, None)?;
            digests.push(format!("{commit} {digest}"));
        } else {
            let (digest, files) = digest(place.root.as_fd(), &sources, &manner, place.known.clone())?;
            listing = listing.zip(files).map(|(mut all, files)| {
                all.extend(files);
                all
            });
            digests.push(digest);
        }
        all.push(Found { place, sources, manner });
    }
    Ok((all, digests, listing))
}

/// Writes a file as ADD makes it (mode 600); gives its SHA-256.
fn download(input: &mut dyn std::io::Read, path: &std::path::Path) -> Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..count]);
        std::io::Write::write_all(&mut file, &buffer[..count])?;
    }
}
