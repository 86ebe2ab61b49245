//! One build for a client: its Dockerfile, then the steps.

use crate::builds::Running;
use crate::options::{self, Options};
use crate::progress::Progress;
use crate::session::{Session, once};
use crate::sessions::Open;
use crate::{BuildKit, lint, remote};
use bollard_buildkit_proto::pb::Definition;
use futures_util::FutureExt;
use sampan_build::{Builder, Context};
use sampan_error::{Error, Result};
use sampan_session::Wanted;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// What came of a request.
pub(crate) enum Outcome {
    /// The image of this id.
    Image(String),
    /// The answer to a check of the Dockerfile.
    Checked(HashMap<String, Vec<u8>>),
}

/// Builds, or checks the Dockerfile.
///
/// # Errors
/// The options or the Dockerfile are wrong, the client left, a step failed.
pub(crate) async fn build(
    kit: &BuildKit,
    running: &Running,
    options: HashMap<String, String>,
    inputs: HashMap<String, Definition>,
) -> Result<Outcome> {
    let options = options::read(options, &inputs, running.may_use_host_network)?;
    let open = kit.shared.sessions.find(&running.session).await?;
    let builder = Builder::new(&kit.engine)?;
    let remote = match &options.remote {
        Some(address) => Some(remote::fetch(&builder, &open, running, address).await?),
        None => None,
    };
    let (text, ignored) =
        dockerfile_of(&builder, &open, &running.progress, &options, remote.as_ref()).await?;
    if options.only_check {
        sampan_dockerfile::parse(&text).map_err(|failure| Error::invalid(failure.to_string()))?;
        let name = if options.dockerfile.is_empty() { "Dockerfile" } else { &options.dockerfile };
        return Ok(Outcome::Checked(lint::answer(name, &text, &sampan_dockerfile::check(&text))));
    }
    if let Ok(file) = sampan_dockerfile::parse(&text) {
        running.progress.set_stages(file.stages.len());
    }
    let mut request = options.request;
    request.dockerfile_text = Some(text);
    running.cache.apply(&mut request);
    let client: Arc<dyn sampan_build::Client> = Arc::new(Session {
        builder: builder.clone(),
        open,
        progress: Arc::clone(&running.progress),
        folder: options.folder,
        exclude: sampan_ignore::Ignore::parse(&ignored).patterns(),
        named: options.named,
        remote: std::sync::Mutex::new(remote),
    });
    let (events, mut heard) = unbounded_channel();
    let tell = async {
        while let Some(event) = heard.recv().await {
            running.progress.event(event);
        }
    };
    let (built, ()) = tokio::join!(Box::pin(builder.build(request, client, events)), tell);
    built.map(Outcome::Image)
}

/// The same for a client that speaks Docker's older protocol and offers a session: its progress goes another way.
///
/// # Errors
/// As [`build`].
pub(crate) async fn build_for(
    kit: &BuildKit,
    session: &str,
    mut request: sampan_build::Request,
    events: UnboundedSender<sampan_build::Event>,
) -> Result<String> {
    let open = kit.shared.sessions.find(session).await?;
    let builder = Builder::new(&kit.engine)?;
    let progress = Arc::new(Progress::new(session));
    let options = Options {
        dockerfile: request.dockerfile.clone(),
        folder: "context".to_owned(),
        dockerfile_folder: Some("dockerfile".to_owned()),
        ..Options::default()
    };
    let (text, ignored) = dockerfile_of(&builder, &open, &progress, &options, None).await?;
    request.dockerfile_text = Some(text);
    let client: Arc<dyn sampan_build::Client> = Arc::new(Session {
        folder: options.folder,
        exclude: sampan_ignore::Ignore::parse(&ignored).patterns(),
        ..Session::bare(builder.clone(), open, progress)
    });
    Box::pin(builder.build(request, client, events)).await
}

/// The Dockerfile's text, and the text of its `.dockerignore`.
async fn dockerfile_of(
    builder: &Builder,
    open: &Open,
    progress: &Progress,
    options: &Options,
    remote: Option<&Context>,
) -> Result<(String, String)> {
    let name = if options.dockerfile.is_empty() { "Dockerfile" } else { &options.dockerfile };
    let own_ignore = format!("{name}.dockerignore");
    let folder = match (&options.dockerfile_folder, remote) {
        (None, Some(remote)) => return Ok((remote.text(name)?, String::new())),
        (folder, _) => folder.clone().unwrap_or_else(|| options.folder.clone()),
    };
    let wanted = Wanted { folder, include: vec![name.to_owned(), own_ignore.clone()], ..Wanted::default() };
    let shown = format!("[internal] load build definition from {name}");
    let loading = async {
        let files = once(builder, open, wanted).await?;
        let text = files.text(name).map_err(|_| {
            Error::invalid(format!("failed to read dockerfile: open {name}: no such file or directory"))
        })?;
        Ok::<_, Error>((text, files.text(&own_ignore).ok()))
    };
    let (text, own) = progress.task(&shown, loading.boxed()).await?;
    if let Some(own) = own {
        return Ok((text, own));
    }
    if remote.is_some() {
        return Ok((text, String::new()));
    }
    let include = vec![".dockerignore".to_owned()];
    let wanted = Wanted { folder: options.folder.clone(), include, ..Wanted::default() };
    let loading = once(builder, open, wanted).boxed();
    let ignored = progress.task("[internal] load .dockerignore", loading).await?;
    Ok((text, ignored.text(".dockerignore").unwrap_or_default()))
}
