//! The flags of `sampan daemon`.

use crate::config_file;
use crate::error::{Error, Result};
use crate::options::{Options, bytes, ulimit};
use std::fmt::Write;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the configuration file is when nobody says; it may be missing there.
const DEFAULT_CONFIG_FILE: &str = "/etc/sampan/daemon.json";

/// What the words on the command line ask for.
pub(crate) enum Parsed {
    /// The list of flags.
    Help(String),
    /// A daemon with these options, the configuration file's included.
    Options(Box<Options>),
}

/// A flag: its long name, its short one, what its value is (empty: none is needed), what it is for.
struct Flag(&'static str, Option<char>, &'static str, &'static str, Apply);

type Apply = fn(&mut Options, &str) -> Result<()>;

/// Puts one value, refused with the flag's name.
macro_rules! set {
    ($field:ident) => {
        |options, text| {
            options.$field = Some(parse_value(text)?);
            Ok(())
        }
    };
}

/// Adds one value.
macro_rules! push {
    ($field:ident) => {
        |options, text| {
            options.$field.push(text.to_owned());
            Ok(())
        }
    };
}

const FLAGS: &[Flag] = &[
    Flag("data-root", None, "FOLDER", "Where everything lasting is kept (/var/lib/sampan)", set!(data_root)),
    Flag(
        "exec-root",
        None,
        "FOLDER",
        "Where sockets of running containers are (/run/sampan)",
        set!(exec_root),
    ),
    Flag(
        "host",
        Some('H'),
        "ADDRESS",
        "unix://, tcp:// or fd:// address to listen on; again for more",
        push!(hosts),
    ),
    Flag("socket", None, "PATH", "Unix socket to listen on (/run/sampan.sock); again for more", push!(hosts)),
    Flag("group", Some('G'), "GROUP", "Group of the Unix sockets (docker, when it exists)", set!(group)),
    Flag("bip", None, "ADDRESS/BITS", "Address of the default bridge", set!(bridge_address)),
    Flag("mtu", None, "BYTES", "Largest packet on the default bridge", set!(mtu)),
    Flag("icc", None, "BOOL", "Containers on the default bridge may talk to each other (true)", set!(icc)),
    Flag("ip", None, "ADDRESS", "Host address of published ports that name none", set!(binding_address)),
    Flag(
        "published-ports",
        None,
        "world|lan|loopback",
        "Who reaches published ports that name no address",
        set!(published_ports),
    ),
    Flag(
        "storage-driver",
        Some('s'),
        "NAME",
        "overlay or vfs; the first that works by default",
        set!(storage_driver),
    ),
    Flag("log-driver", None, "NAME", "Where output goes when a container does not say", set!(log_driver)),
    Flag("log-opt", None, "NAME=VALUE", "Option of that driver; again for more", log_option),
    Flag(
        "default-ulimit",
        None,
        "NAME=SOFT[:HARD]",
        "Limit of containers that do not say; again for more",
        default_ulimit,
    ),
    Flag("dns", None, "ADDRESS", "Name server of containers that do not say; again for more", push!(dns)),
    Flag("dns-opt", None, "OPTION", "Resolver option of such containers; again for more", push!(dns_options)),
    Flag("dns-search", None, "DOMAIN", "Search domain of such containers; again for more", push!(dns_search)),
    Flag("label", None, "NAME=VALUE", "Label of this daemon; again for more", push!(labels)),
    Flag("cgroup-parent", None, "PATH", "Parent cgroup of containers that do not say", set!(cgroup_parent)),
    Flag("no-new-privileges", None, "", "New containers never gain privileges", set!(no_new_privileges)),
    Flag("default-shm-size", None, "SIZE", "Size of /dev/shm of containers that do not say (64m)", shm_size),
    Flag("add-runtime", None, "NAME=PATH", "A further OCI runtime; again for more", runtime),
    Flag(
        "warm-sandboxes",
        None,
        "NUMBER",
        "Sandboxes kept ready for the next containers",
        set!(warm_sandboxes),
    ),
    Flag(
        "shutdown-timeout",
        None,
        "SECONDS",
        "Time that containers get when they are stopped with the daemon",
        set!(shutdown_timeout),
    ),
    Flag(
        "registry-mirror",
        None,
        "ADDRESS",
        "Place that is asked first for images of Docker Hub; again for more",
        push!(registry_mirrors),
    ),
    Flag(
        "insecure-registry",
        None,
        "HOST",
        "Registry (or network of them) that may do without TLS; again for more",
        push!(insecure_registries),
    ),
    Flag(
        "registry-certificates",
        None,
        "FOLDER",
        "Folder with a folder per registry of authorities and client certificates (/etc/docker/certs.d, \
         /etc/sampan/certs.d); again for more",
        |options, text| {
            options.certificates.push(text.into());
            Ok(())
        },
    ),
    Flag(
        "max-concurrent-downloads",
        None,
        "NUMBER",
        "Layers that are fetched at a time (3)",
        set!(downloads),
    ),
    Flag("max-concurrent-uploads", None, "NUMBER", "Layers that are sent at a time (5)", set!(uploads)),
    Flag(
        "max-download-attempts",
        None,
        "NUMBER",
        "Tries in a row without a byte before a transfer is given up (5)",
        set!(attempts),
    ),
    Flag(
        "keep-blobs",
        None,
        "",
        "Layers are kept in their compressed form, too, to be pushed as they came",
        set!(keep_blobs),
    ),
    Flag(
        "image-disk-budget",
        None,
        "SIZE",
        "Bytes that images may take: beyond it those that were not used for longest go (no limit)",
        |options, text| {
            options.image_budget = Some(bytes(text)?);
            Ok(())
        },
    ),
    Flag("trust-policy", None, "PATH", "File that says which signatures images need", set!(trust_policy)),
    Flag("pidfile", Some('p'), "PATH", "File for the daemon's process id", set!(pid_file)),
    Flag("debug", Some('D'), "", "Writes more to the log", debug),
    Flag("log-level", Some('l'), "LEVEL", "debug, info, warn, error (info)", set!(log_level)),
    Flag(
        "ready-fd",
        None,
        "NUMBER",
        "Descriptor that gets one byte when requests are answered",
        set!(ready_descriptor),
    ),
];

fn parse_value<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Flag(format!("invalid value {text:?}")))
}

fn log_option(options: &mut Options, text: &str) -> Result<()> {
    let (name, value) = pair(text)?;
    options.log_options.insert(name, value);
    Ok(())
}

fn default_ulimit(options: &mut Options, text: &str) -> Result<()> {
    let limit = ulimit(text)?;
    options.ulimits.insert(limit.name.clone(), limit);
    Ok(())
}

fn shm_size(options: &mut Options, text: &str) -> Result<()> {
    options.shm_size = Some(bytes(text)?);
    Ok(())
}

fn runtime(options: &mut Options, text: &str) -> Result<()> {
    let (name, path) = pair(text)?;
    options.runtimes.insert(name, path.into());
    Ok(())
}

fn debug(options: &mut Options, text: &str) -> Result<()> {
    options.debug = parse_value(text)?;
    Ok(())
}

fn pair(text: &str) -> Result<(String, String)> {
    let bad = || Error::Flag(format!("invalid value {text:?}: it is written NAME=VALUE"));
    let (name, value) = text.split_once('=').ok_or_else(bad)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads the words behind `sampan daemon`, and the configuration file that they or nobody names.
///
/// # Errors
/// An unknown flag, a missing or bad value, a bad file.
pub(crate) fn parse(words: &[String]) -> Result<Parsed> {
    let mut options = Options::default();
    let mut file = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "--help" | "-h") {
            return Ok(Parsed::Help(help()));
        }
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        if name == "--config-file" {
            file = Some(PathBuf::from(value(name, given, &mut words)?));
            continue;
        }
        let Some(flag) = FLAGS.iter().find(|flag| flag.is(name)) else {
            return Err(Error::Flag(format!("unknown flag or word {name:?}")));
        };
        let value = if flag.2.is_empty() {
            given.unwrap_or_else(|| "true".into())
        } else {
            value(name, given, &mut words)?
        };
        (flag.4)(&mut options, &value).map_err(|error| match error {
            Error::Flag(text) => Error::Flag(format!("{name}: {text}")),
            other => other,
        })?;
    }
    let from_file = match file {
        Some(path) => config_file::read(&path)?,
        None if std::path::Path::new(DEFAULT_CONFIG_FILE).exists() => {
            config_file::read(std::path::Path::new(DEFAULT_CONFIG_FILE))?
        }
        None => Options::default(),
    };
    Ok(Parsed::Options(Box::new(options.or(from_file))))
}

fn value(name: &str, given: Option<String>, words: &mut std::slice::Iter<'_, String>) -> Result<String> {
    let value = given.or_else(|| words.next().cloned());
    value.ok_or_else(|| Error::Flag(format!("{name} needs a value")))
}

impl Flag {
    fn is(&self, word: &str) -> bool {
        word.strip_prefix("--") == Some(self.0)
            || self.1.is_some_and(|short| word.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4])))
    }
}

fn help() -> String {
    let mut text =
        String::from("Usage: sampan daemon [FLAGS]\n\nRuns the engine. Containers outlive it.\n\nFlags:\n");
    let line = |text: &mut String, short: Option<char>, long: &str, value: &str, about: &str| {
        let short = short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {short}--{:<36} {about}", format!("{long} {value}"));
    };
    for Flag(long, short, value, about, _) in FLAGS {
        line(&mut text, *short, long, value, about);
    }
    line(&mut text, None, "config-file", "PATH", "Configuration file (/etc/sampan/daemon.json)");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Result<Options> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match parse(&words)? {
            Parsed::Options(options) => Ok(*options),
            Parsed::Help(_) => Ok(Options::default()),
        }
    }

    #[test]
    fn flags_are_read_in_both_forms() {
        let read = options(&[
            "--data-root=/d",
            "-H",
            "unix:///a",
            "-H",
            "tcp://127.0.0.1:0",
            "-D",
            "--dns",
            "9.9.9.9",
        ])
        .expect("options");
        assert_eq!(read.data_root, Some("/d".into()));
        assert_eq!(read.hosts, ["unix:///a", "tcp://127.0.0.1:0"]);
        assert!(read.debug);
        assert_eq!(read.dns, ["9.9.9.9"]);
        assert!(help().contains("--data-root FOLDER"));
    }

    #[test]
    fn a_bad_flag_is_named() {
        let refusal = |words: &[&str]| options(words).expect_err("refused").to_string();
        assert!(refusal(&["--nonsense"]).contains("--nonsense"));
        assert!(refusal(&["--mtu", "big"]).contains("--mtu"));
        assert!(refusal(&["--mtu"]).contains("needs a value"));
        assert!(refusal(&["--log-opt", "x"]).contains("NAME=VALUE"));
    }
}
