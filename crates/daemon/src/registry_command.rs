//! `sampan registry`: a registry of one's own, in this executable.

use crate::options::Options;
use sampan_error::{Error, Result};
use sampan_registry_server::Settings;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;

const DEFAULT_ROOT: &str = "/var/lib/sampan/registry";
const DEFAULT_ADDRESS: &str = "127.0.0.1:5000";

const HELP: &str = "\
Usage: sampan registry COMMAND [FLAGS]

A registry of one's own: images in a folder, served by the OCI distribution protocol.

Commands:
  serve     Serve it until SIGTERM or SIGINT
  gc        Remove bytes that no image names any more

Flags:
      --root FOLDER            Where everything is kept (/var/lib/sampan/registry)

Flags of serve:
      --address HOST:PORT      Where to listen (127.0.0.1:5000); again for more
      --htpasswd FILE          Names and bcrypt hashes (htpasswd -B) of those who may come in
      --tls-cert FILE          Certificate in PEM, with those that vouch for it
      --tls-key FILE           Its key in PEM
      --read-only              Nothing may be pushed or deleted

Flags of gc:
      --dry-run                Only say what would be removed
";

/// What the words ask for.
#[derive(Debug)]
enum Asked {
    Help,
    Serve(Settings),
    Collect { root: PathBuf, dry_run: bool },
}

/// Runs the words behind `sampan registry`, and says the exit status.
pub fn registry(words: &[String]) -> u8 {
    let outcome = parse(words).map_err(|error| (error, super::WRONG)).and_then(|asked| {
        match asked {
            Asked::Help => print!("{HELP}"),
            Asked::Serve(settings) => serve(settings).map_err(|error| (error, super::FAILED))?,
            Asked::Collect { root, dry_run } => {
                collect(&root, dry_run).map_err(|error| (error, super::FAILED))?;
            }
        }
        Ok(())
    });
    match outcome {
        Ok(()) => 0,
        Err((error, status)) => {
            eprintln!("sampan registry: {error}; see 'sampan registry --help'");
            status
        }
    }
}

fn parse(words: &[String]) -> Result<Asked> {
    let mut settings = Settings { root: DEFAULT_ROOT.into(), ..Settings::default() };
    let (mut certificate, mut key, mut dry_run) = (None, None, false);
    let Some((command, rest)) = words.split_first() else { return Ok(Asked::Help) };
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let mut value = || {
            let value = given.clone().or_else(|| rest.next().cloned());
            value.ok_or_else(|| Error::invalid(format!("{name} needs a value")))
        };
        match name {
            "--help" | "-h" => return Ok(Asked::Help),
            "--root" => settings.root = value()?.into(),
            "--address" if command == "serve" => settings.addresses.push(address(&value()?)?),
            "--htpasswd" if command == "serve" => settings.htpasswd = Some(value()?.into()),
            "--tls-cert" if command == "serve" => certificate = Some(PathBuf::from(value()?)),
            "--tls-key" if command == "serve" => key = Some(PathBuf::from(value()?)),
            "--read-only" if command == "serve" => settings.read_only = true,
            "--dry-run" if command == "gc" => dry_run = true,
            _ => return Err(Error::invalid(format!("unknown flag or word {name:?} of registry {command}"))),
        }
    }
    match command.as_str() {
        "--help" | "-h" | "help" => Ok(Asked::Help),
        "gc" => Ok(Asked::Collect { root: settings.root, dry_run }),
        "serve" => {
            settings.tls = match (certificate, key) {
                (None, None) => None,
                (Some(certificate), Some(key)) => Some((certificate, key)),
                _ => return Err(Error::invalid("--tls-cert and --tls-key belong together")),
            };
            if settings.addresses.is_empty() {
                settings.addresses.push(address(DEFAULT_ADDRESS)?);
            }
            Ok(Asked::Serve(settings))
        }
        other => Err(Error::invalid(format!("{other:?} is no command of registry: say serve or gc"))),
    }
}

fn address(text: &str) -> Result<SocketAddr> {
    let whole = if text.starts_with(':') { format!("[::]{text}") } else { text.to_owned() };
    if let Ok(address) = whole.parse() {
        return Ok(address);
    }
    let refused = |reason: String| Error::invalid(format!("--address {text}: {reason}"));
    let (host, port) = whole.rsplit_once(':').ok_or_else(|| refused("it has no port".to_owned()))?;
    let port = port.parse().map_err(|_| refused(format!("{port:?} is no port")))?;
    let found = sampan_host_names::resolve(host).map_err(|error| refused(error.to_string()))?;
    let first = found.first().ok_or_else(|| refused("it has no address".to_owned()))?;
    Ok(SocketAddr::new(*first, port))
}

fn serve(settings: Settings) -> Result<()> {
    crate::log::start(&Options::default());
    let runtime = crate::serve::runtime()?;
    runtime.block_on(async {
        let stop = stopped()?;
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let root = settings.root.display().to_string();
        let ready = |addresses: &[SocketAddr]| {
            for address in addresses {
                eprintln!("registry: serving {scheme}://{address}, data in {root}");
            }
        };
        sampan_registry_server::serve(settings, stop, ready).await
    })
}

/// Done when somebody asks for the end.
fn stopped() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn collect(root: &std::path::Path, dry_run: bool) -> Result<()> {
    let collected = sampan_registry_server::collect(root, dry_run)?;
    let words = if dry_run { "would be removed" } else { "removed" };
    println!("{} blobs, {} bytes {words}", collected.blobs, collected.bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_read_and_nonsense_is_refused() {
        assert!(matches!(asked(""), Ok(Asked::Help)));
        assert!(matches!(asked("serve --help"), Ok(Asked::Help)));
        let Ok(Asked::Serve(settings)) = asked("serve --address=127.0.0.1:0 --root /x --read-only") else {
            panic!("serve")
        };
        assert_eq!((settings.root.as_path(), settings.read_only), (std::path::Path::new("/x"), true));
        assert!(matches!(asked("gc --dry-run"), Ok(Asked::Collect { dry_run: true, .. })));
        for (wrong, said) in [
            ("sail", "serve or gc"),
            ("serve --dry-run", "--dry-run"),
            ("serve --root", "needs a value"),
            ("serve --tls-cert x", "belong together"),
            ("serve --address nowhere", "nowhere"),
        ] {
            let error = asked(wrong).expect_err(wrong).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
