//! What a Dockerfile says, with variables still in it.

use super::{Line, Mount};

/// A stage: everything from one FROM to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The FROM line.
    pub line: Line,
    /// Image, earlier stage, or `scratch`; with variables.
    pub base: String,
    /// `AS name`, in lower case.
    pub name: Option<String>,
    /// `--platform`, with variables.
    pub platform: Option<String>,
    /// What follows.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Where it stands.
    pub line: Line,
    /// What it is.
    pub kind: Kind,
}

/// Instructions by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// ADD.
    Add(Copy),
    /// ARG: names with defaults.
    Arg(Vec<(String, Option<String>)>),
    /// COPY.
    Copy(Copy),
    /// ENV: names and values, quotes still on.
    Env(Vec<(String, String)>),
    /// LABEL, in the same form.
    Label(Vec<(String, String)>),
    /// MAINTAINER.
    Maintainer(String),
    /// ONBUILD with the instruction that it keeps.
    OnBuild(String),
    /// RUN.
    Run(Run),
    /// WORKDIR.
    Workdir(String),
    /// CMD, ENTRYPOINT, HEALTHCHECK and SHELL: no variables in them, so they are read when they are applied.
    Plain,
    /// EXPOSE, STOPSIGNAL, USER and VOLUME: words with variables.
    Words(Vec<String>),
}

impl Kind {
    /// Whether it makes files, as opposed to saying something about the image.
    #[must_use]
    pub fn makes_files(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Copy(_) | Self::Run(_) | Self::Workdir(_))
    }
}

/// RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The arguments of the exec form; `None` for the shell form.
    pub exec: Option<Vec<String>>,
    /// The line for the shell.
    pub shell: String,
    /// `--network`.
    pub network: Option<String>,
    /// `--mount`.
    pub mounts: Vec<Mount>,
}

/// ADD or COPY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copy {
    /// `--from`.
    pub from: Option<String>,
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--exclude`: patterns of what is left out.
    pub exclude: Vec<String>,
    /// `--parents`: the folders above each source come along.
    pub parents: bool,
    /// `--checksum` of a source on a web server.
    pub checksum: Option<String>,
    /// `--keep-git-dir` of a source that is a repository.
    pub keep_git: bool,
    /// `--unpack`: whether archives are unpacked; without it those of the context are.
    pub unpack: Option<bool>,
    /// What is copied, with variables.
    pub sources: Vec<String>,
    /// Where to.
    pub destination: String,
}
