//! `docker build`: a folder, a repository or a stream in, an image out.

mod context;
mod local_cache;
mod output;
mod serve;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::container_options::parse_limit;
use super::pairs::{label, to_map};
use super::progress::{self, Target};
use super::{Command, Positional, Specification};
use crate::client::{Body, Query, Response};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use context::{Extra, Repository};
use sampan_ignore::Ignore;
use serve::Offer;

#[derive(Default)]
pub(crate) struct Args {
    extra_hosts: Vec<String>,
    arguments: Vec<String>,
    cache_from: Vec<String>,
    cache_to: Vec<String>,
    cgroup_parent: String,
    compress: bool,
    cpu_period: i64,
    cpu_quota: i64,
    cpu_shares: i64,
    cpuset_cpus: String,
    cpuset_mems: String,
    untrusted: bool,
    file: String,
    force_rm: bool,
    id_file: String,
    isolation: String,
    labels: Vec<String>,
    memory: i64,
    memory_swap: i64,
    network: String,
    no_cache: bool,
    platform: String,
    pull: bool,
    quiet: bool,
    rm: bool,
    security: Vec<String>,
    shm_size: i64,
    squash: bool,
    tags: Vec<String>,
    target: String,
    ulimits: Vec<String>,
    progress: String,
    load: bool,
    outputs: Vec<String>,
    metadata_file: String,
    why: bool,
    contexts: Vec<String>,
    no_cache_filter: Vec<String>,
    check: bool,
    secrets: Vec<String>,
    agents: Vec<String>,
}

/// What help says of `--cache-to`.
const CACHE_TO: &str =
    "Where the build's steps go (type=registry,ref=<name>[,mode=max], type=local,dest=<path> or type=inline)";

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] PATH | URL | -",
        summary: "Build an image from a Dockerfile",
        aliases: "image build, build, builder build",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.list(&mut self.extra_hosts, "add-host", "", "Add a custom host-to-IP mapping (\"host:ip\")");
        flags.list(&mut self.arguments, "build-arg", "", "Set build-time variables");
        flags.list(&mut self.cache_from, "cache-from", "", "Images to consider as cache sources");
        flags.list(&mut self.cache_to, "cache-to", "", CACHE_TO).own();
        flags.string(
            &mut self.cgroup_parent,
            "cgroup-parent",
            "",
            "Set the parent cgroup for the \"RUN\" instructions during build",
        );
        flags.bool(&mut self.compress, "compress", "", "Compress the build context using gzip");
        flags.int(
            &mut self.cpu_period,
            "cpu-period",
            "",
            "Limit the CPU CFS (Completely Fair Scheduler) period",
        );
        flags.int(
            &mut self.cpu_quota,
            "cpu-quota",
            "",
            "Limit the CPU CFS (Completely Fair Scheduler) quota",
        );
        flags.int(&mut self.cpu_shares, "cpu-shares", "c", "CPU shares (relative weight)");
        flags.string(&mut self.cpuset_cpus, "cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)");
        flags.string(&mut self.cpuset_mems, "cpuset-mems", "", "MEMs in which to allow execution (0-3, 0,1)");
        flags.bool(&mut self.untrusted, "disable-content-trust", "", "Skip image verification");
        flags.string(&mut self.file, "file", "f", "Name of the Dockerfile (Default is \"PATH/Dockerfile\")");
        flags.bool(&mut self.force_rm, "force-rm", "", "Always remove intermediate containers");
        flags.string(&mut self.id_file, "iidfile", "", "Write the image ID to the file");
        flags.string(&mut self.isolation, "isolation", "", "Container isolation technology");
        flags.checked_list(&mut self.labels, "label", "", "Set metadata for an image", label);
        flags.size(&mut self.memory, "memory", "m", "Memory limit");
        flags.swap_size(
            &mut self.memory_swap,
            "memory-swap",
            "Swap limit equal to memory plus swap: -1 to enable unlimited swap",
        );
        flags.string(
            &mut self.network,
            "network",
            "",
            "Set the networking mode for the RUN instructions during build",
        );
        flags.bool(&mut self.no_cache, "no-cache", "", "Do not use cache when building the image");
        flags.string(&mut self.platform, "platform", "", "Set platform if server is multi-platform capable");
        flags.bool(&mut self.pull, "pull", "", "Always attempt to pull a newer version of the image");
        flags.bool(&mut self.quiet, "quiet", "q", "Suppress the build output and print image ID on success");
        flags.bool(&mut self.rm, "rm", "", "Remove intermediate containers after a successful build");
        flags.list(&mut self.security, "security-opt", "", "Security options");
        flags.size(&mut self.shm_size, "shm-size", "", "Size of \"/dev/shm\"");
        flags.bool(&mut self.squash, "squash", "", "Squash newly built layers into a single new layer");
        flags.list(&mut self.tags, "tag", "t", "Name and optionally a tag in the \"name:tag\" format");
        flags.string(&mut self.target, "target", "", "Set the target build stage to build.");
        flags.list(&mut self.ulimits, "ulimit", "", "Ulimit options");
        flags
            .list(&mut self.outputs, "output", "o", "Output destination (format: \"type=local,dest=path\")")
            .own();
        flags
            .list(&mut self.contexts, "build-context", "", "Additional build contexts (e.g., name=path)")
            .own();
        flags.list(&mut self.no_cache_filter, "no-cache-filter", "", "Do not cache specified stages").own();
        flags.bool(&mut self.check, "check", "", "Check the Dockerfile, and build nothing").own();
        flags
            .bool(&mut self.why, "why", "", "Say of each step that is not taken from the cache what changed")
            .own();
        flags
            .string(&mut self.metadata_file, "metadata-file", "", "Write build result metadata to a file")
            .own();
        flags
            .list(
                &mut self.secrets,
                "secret",
                "",
                "Secret to expose to the build (format: \"id=mysecret[,src=/local/secret]\")",
            )
            .own();
        flags
            .list(
                &mut self.agents,
                "ssh",
                "",
                "SSH agent socket to expose to the build (format: \"default|<id>[=<socket>]\")",
            )
            .own();
        flags
            .string(
                &mut self.progress,
                "progress",
                "",
                "Set type of progress output (auto|plain|tty|quiet|rawjson)",
            )
            .own();
        flags.bool(&mut self.load, "load", "", "The image is stored in the engine, as it always is").own();
    }

    fn run(mut self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let wanted = parsed.arguments.first().map(String::as_str).unwrap_or_default();
        if self.check {
            return self.check_only(wanted);
        }
        let raw = match self.progress.as_str() {
            "" | "auto" | "plain" | "tty" => false,
            "quiet" => {
                self.quiet = true;
                false
            }
            "rawjson" => true,
            other => {
                return Err(Failure::message(format!(
                    "invalid progress mode {other}: there are auto, plain, tty, quiet and rawjson"
                )));
            }
        };
        let outputs = self.outputs.iter().map(|text| output::parse(text)).collect::<Result<Vec<_>>>()?;
        let writes_stdout =
            outputs.iter().any(|it| matches!(it, output::Output::Tar(None) | output::Output::Archive(None)));
        let host = session.client()?.host().to_owned();
        let _caches = local_cache::LocalCaches::serve(&mut self.cache_from, &mut self.cache_to, &host)?;
        let (mut response, _context) = self.ask(session, wanted)?;
        let mut id = None;
        let target = match (self.quiet || raw, writes_stdout) {
            (true, _) => Target::Nowhere,
            (false, true) => Target::Stderr,
            (false, false) => Target::Stdout,
        };
        let mut said = Vec::new();
        let mut source = Keeping { inner: &mut response, kept: &mut said, keep: self.quiet, shows: raw };
        progress::show(&mut source, target, &mut |aux: &Json| {
            id = aux["ID"].as_str().map(str::to_owned).or_else(|| id.take());
        })?;
        if self.quiet {
            id = last_stream(&said);
            if !writes_stdout {
                println!("{}", id.as_deref().unwrap_or_default());
            }
        }
        let id = id.unwrap_or_default();
        for output in &outputs {
            output::deliver(session.client()?, &id, &self.tags, output)?;
        }
        if !self.id_file.is_empty() {
            std::fs::write(&self.id_file, &id)?;
        }
        if !self.metadata_file.is_empty() {
            output::metadata(&self.metadata_file, &id, &self.tags)?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

/// Builds for `run --build`: what happens is shown on stderr, so that stdout stays the container's. Gives the image's id.
///
/// # Errors
/// As a build.
pub(crate) fn for_run(session: &Session, wanted: &str) -> Result<String> {
    let (mut response, _context) = Args::default().ask(session, wanted)?;
    let mut id = None;
    progress::show(&mut response, Target::Stderr, &mut |aux: &Json| {
        id = aux["ID"].as_str().map(str::to_owned).or_else(|| id.take());
    })?;
    id.ok_or_else(|| Failure::message("the engine did not say which image it built"))
}

/// A reader that keeps what it reads, when it is to be looked at again.
struct Keeping<'a, R> {
    inner: &'a mut R,
    kept: &'a mut Vec<u8>,
    keep: bool,
    /// What comes goes to stderr as it is.
    shows: bool,
}

impl<R: Read> Read for Keeping<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if self.shows {
            std::io::stderr().write_all(&buffer[..count])?;
        }
        if self.keep {
            self.kept.extend_from_slice(&buffer[..count]);
        }
        Ok(count)
    }
}

/// The text of the last `stream` of a stream of messages: the image's id, of a quiet build.
fn last_stream(messages: &[u8]) -> Option<String> {
    let values = serde_json::Deserializer::from_slice(messages).into_iter::<Json>().flatten();
    let texts = values.filter_map(|value| Some(value["stream"].as_str()?.trim().to_owned()));
    texts.filter(|text| !text.is_empty()).last()
}

/// What has to stay until the build is over.
#[derive(Default)]
struct Kept {
    _repository: Option<Repository>,
    _dockerfile: Option<context::Folder>,
}

impl Args {
    /// Asks for the build. Our own engine takes what it lacks of a folder; another one gets all of it.
    fn ask(&self, session: &Session, wanted: &str) -> Result<(Response, Kept)> {
        let query = self.query()?;
        let client = session.client()?;
        if wanted != "-" && client.ping()?.own_engine {
            let (folder, repository) = self.local(wanted)?;
            let (query, dockerfile) = self.offered(client, query, &folder)?;
            let response = client.request("POST", "/build", &query, Body::None)?;
            return Ok((response, Kept { _repository: repository, _dockerfile: dockerfile }));
        }
        if !self.secrets.is_empty() || !self.agents.is_empty() || !self.contexts.is_empty() {
            return Err(
                "--secret, --ssh and --build-context need a folder as context, and Sampan as the engine"
                    .into(),
            );
        }
        let (body, dockerfile, repository) = self.context(wanted)?;
        let query = query.with("dockerfile", dockerfile);
        let response = client.request("POST", "/build", &query, Body::Stream(body, "application/x-tar"))?;
        Ok((response, Kept { _repository: repository, _dockerfile: None }))
    }

    /// Says what of a Dockerfile should be written otherwise.
    fn check_only(&self, wanted: &str) -> Result<ExitStatus> {
        let text = if wanted == "-" || self.file == "-" {
            std::io::read_to_string(std::io::stdin())?
        } else {
            let (folder, _repository) = self.local(wanted)?;
            let (place, name) = self.dockerfile(&folder)?;
            std::fs::read_to_string(place.join(name))?
        };
        sampan_dockerfile::parse(&text).map_err(|failure| Failure::message(failure.to_string()))?;
        let warnings = sampan_dockerfile::check(&text).warnings;
        match warnings.len() {
            0 => println!("Check complete, no warnings found."),
            1 => println!("Check complete, 1 warning has been found!"),
            count => println!("Check complete, {count} warnings have been found!"),
        }
        for warning in &warnings {
            let shown = text.lines().nth(warning.line - 1).unwrap_or_default();
            println!("\nWARNING: {} - {}\n{}", warning.rule, warning.url(), warning.message);
            println!("{:4} | {shown}", warning.line);
        }
        Ok(if warnings.is_empty() { ExitStatus::SUCCESS } else { ExitStatus::FAILURE })
    }

    /// Opens a session with the folder, its Dockerfile and what else is offered.
    fn offered(
        &self,
        client: &crate::client::Client,
        query: Query,
        folder: &Path,
    ) -> Result<(Query, Option<context::Folder>)> {
        let mut offer = Offer::default();
        offer.folders.insert("context".to_owned(), folder.to_owned());
        let mut made = None;
        let (place, name) = match self.file.as_str() {
            "-" => {
                let mut text = Vec::new();
                std::io::stdin().read_to_end(&mut text)?;
                let temporary = context::Folder::new("stdin")?;
                std::fs::write(temporary.path.join("Dockerfile"), text)?;
                let place = temporary.path.clone();
                made = Some(temporary);
                (place, "Dockerfile".to_owned())
            }
            _ => self.dockerfile(folder)?,
        };
        offer.folders.insert("dockerfile".to_owned(), place);
        let mut contexts = BTreeMap::new();
        for text in &self.contexts {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                Failure::message(format!("invalid context value: {text}, expected key=value"))
            })?;
            let is_image = value.starts_with("docker-image://");
            if !is_image {
                if !Path::new(value).is_dir() {
                    return Err(Failure::message(format!(
                        "failed to get build context {name}: stat {value}: no such folder"
                    )));
                }
                offer.folders.insert(name.to_owned(), value.into());
            }
            contexts.insert(name, if is_image { value } else { "local" });
        }
        let query = query.with_if(!contexts.is_empty(), "contexts", json!(contexts).to_string());
        for text in &self.secrets {
            let (id, secret) = serve::secret(text)?;
            offer.secrets.insert(id, secret);
        }
        for text in &self.agents {
            let (id, agent) = serve::agent(text)?;
            offer.agents.insert(id, agent);
        }
        let id = serve::open(client, offer)?;
        Ok((query.with("remote", "client-session").with("session", id).with("dockerfile", name), made))
    }

    /// The folder of the Dockerfile, and its name there.
    fn dockerfile(&self, folder: &Path) -> Result<(PathBuf, String)> {
        let wanted = if self.file.is_empty() { "Dockerfile" } else { &self.file };
        let wanted = Path::new(wanted);
        // A path of this command's own folder, or of the context's.
        let real = match self.file.is_empty() {
            true => folder.join(wanted).canonicalize(),
            false => wanted.canonicalize().or_else(|_| folder.join(wanted).canonicalize()),
        };
        let shown = if self.file.is_empty() { folder.join(wanted) } else { wanted.to_owned() };
        let real = real.map_err(|_| {
            Failure::message(format!(
                "unable to prepare context: unable to evaluate symlinks in Dockerfile path: {} not found",
                shown.display()
            ))
        })?;
        let (Some(place), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(Failure::message(format!("{} is no Dockerfile", shown.display())));
        };
        Ok((place.to_owned(), name.to_string_lossy().into_owned()))
    }

    /// A folder of this machine: as it is, or fetched.
    fn local(&self, wanted: &str) -> Result<(PathBuf, Option<Repository>)> {
        if sampan_git::is_address(wanted) {
            let repository = context::fetch(wanted)?;
            return Ok((repository.context.clone(), Some(repository)));
        }
        let folder = PathBuf::from(wanted);
        if !folder.is_dir() {
            return Err(Failure::message(format!("unable to prepare context: path {wanted:?} not found")));
        }
        Ok((folder, None))
    }

    fn query(&self) -> Result<Query> {
        for (given, name) in [
            (!self.security.is_empty(), "security-opt"),
            (!self.isolation.is_empty() && self.isolation != "default", "isolation"),
        ] {
            if given {
                return Err(format!("--{name} is not possible yet in a build").into());
            }
        }
        for tag in &self.tags {
            if let Some(name) = tag.strip_suffix('.') {
                return Err(format!("invalid tag {tag:?}: did you mean \"-t {name} .\"?").into());
            }
        }
        // A variable without a value has that of this command's environment.
        let arguments: BTreeMap<&str, Json> = self
            .arguments
            .iter()
            .map(|text| match text.split_once('=') {
                Some((name, value)) => (name, json!(value)),
                None => (text.as_str(), std::env::var(text).map_or(Json::Null, Json::from)),
            })
            .collect();
        let mut limits = Vec::new();
        for text in &self.ulimits {
            let limit = parse_limit(text).map_err(Failure::message)?;
            limits.push(json!({"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}));
        }
        let mut query = Query::new()
            .with("version", "1")
            .with_if(!limits.is_empty(), "ulimits", Json::from(limits).to_string())
            .with_if(!self.cgroup_parent.is_empty(), "cgroupparent", &self.cgroup_parent)
            .with("rm", "1")
            .with("buildargs", json!(arguments).to_string())
            .with("squash", if self.squash { "1" } else { "" })
            .with("cachefrom", json!(self.cache_from).to_string())
            .with("cacheto", json!(self.cache_to).to_string())
            .with("labels", json!(to_map(&self.labels)).to_string())
            .with_if(self.no_cache, "nocache", "1")
            .with_if(self.why, "why", "1")
            .with_if(self.pull, "pull", "1")
            .with_if(self.quiet, "q", "1")
            .with_if(!self.target.is_empty(), "target", &self.target)
            .with_if(!self.platform.is_empty(), "platform", &self.platform)
            .with_if(!self.network.is_empty(), "networkmode", &self.network)
            .with_if(!self.cpuset_cpus.is_empty(), "cpusetcpus", &self.cpuset_cpus)
            .with_if(!self.cpuset_mems.is_empty(), "cpusetmems", &self.cpuset_mems)
            .with_if(!self.extra_hosts.is_empty(), "extrahosts", self.extra_hosts.join(","));
        for tag in &self.tags {
            query = query.with("t", tag);
        }
        for stage in self.no_cache_filter.iter().flat_map(|stages| stages.split(',')) {
            query = query.with("nocachefilter", stage);
        }
        for (name, value) in [
            ("memory", self.memory),
            ("memswap", self.memory_swap),
            ("cpuperiod", self.cpu_period),
            ("cpuquota", self.cpu_quota),
            ("cpushares", self.cpu_shares),
            ("shmsize", self.shm_size),
        ] {
            query = query.with_if(value != 0, name, value.to_string());
        }
        Ok(query)
    }

    /// What is sent, and what the Dockerfile is called in it.
    fn context(&self, wanted: &str) -> Result<(Box<dyn Read + Send>, String, Option<Repository>)> {
        if wanted == "-" {
            return self.stdin();
        }
        let (folder, repository) = self.local(wanted)?;
        let (body, name) = self.folder(&folder)?;
        Ok((body, name, repository))
    }

    /// A tar stream, or a Dockerfile alone.
    fn stdin(&self) -> Result<(Box<dyn Read + Send>, String, Option<Repository>)> {
        const BLOCK: usize = 512;
        let mut begin = Vec::new();
        std::io::stdin().take(BLOCK as u64).read_to_end(&mut begin)?;
        let is_archive = begin.get(257..262) == Some(b"ustar")
            || matches!(
                &begin[..],
                [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [b'B', b'Z', b'h', ..] | [0xfd, b'7', ..]
            );
        if is_archive {
            return Ok((Box::new(Cursor::new(begin).chain(std::io::stdin())), self.file.clone(), None));
        }
        let mut text = begin;
        std::io::stdin().read_to_end(&mut text)?;
        let empty = std::env::temp_dir().join(format!("sampan-build-{}", std::process::id()));
        std::fs::create_dir_all(&empty)?;
        let name = "Dockerfile".to_owned();
        let body = context::pack(&empty, Ignore::parse("*"), Some(Extra { name: name.clone(), text }))?;
        Ok((body, name, None))
    }

    fn folder(&self, folder: &Path) -> Result<(Box<dyn Read + Send>, String)> {
        let mut extra = None;
        let mut name = if self.file.is_empty() { "Dockerfile".to_owned() } else { self.file.clone() };
        if self.file == "-" {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text)?;
            name = ".dockerfile.stdin".to_owned();
            extra = Some(Extra { name: name.clone(), text });
        } else if !self.file.is_empty() {
            // A path of this command's own folder, which may lie in the context or not.
            let file = Path::new(&self.file);
            let real = file.canonicalize().or_else(|_| folder.join(file).canonicalize());
            let real = real.map_err(|_| {
                Failure::message(format!(
                    "unable to prepare context: unable to evaluate symlinks in Dockerfile path: {} not found",
                    self.file
                ))
            })?;
            match real.strip_prefix(folder.canonicalize()?) {
                Ok(inside) => name = inside.to_string_lossy().into_owned(),
                Err(_) => {
                    name = ".dockerfile.outside".to_owned();
                    extra = Some(Extra { name: name.clone(), text: std::fs::read(&real)? });
                }
            }
        } else if !folder.join(&name).exists() {
            return Err(Failure::message(format!(
                "unable to prepare context: unable to evaluate symlinks in Dockerfile path: {} not found",
                folder.join(&name).display()
            )));
        }
        let own = folder.join(format!("{name}.dockerignore"));
        let rules =
            std::fs::read_to_string(&own).or_else(|_| std::fs::read_to_string(folder.join(".dockerignore")));
        let mut ignore = Ignore::parse(&rules.unwrap_or_default());
        ignore.except(&name);
        ignore.except(".dockerignore");
        Ok((context::pack(folder, ignore, extra)?, name))
    }
}
