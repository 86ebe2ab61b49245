//! Images on their way: load, save, pull, push, of 200 MB and of 1 GB, beside a real registry on each engine's own
//! machine.

use std::sync::PoisonError;
use std::time::Instant;

use sampan_tests::registry::{Guard, Registry};
use sampan_tests::{DEBIAN, Host, tar_of};

use crate::engine::Engine;
use crate::scenarios::Sample;

const PORT: u16 = 5000;
/// Debian's root file system, one layer of 200 MB.
const MEDIUM: &str = "127.0.0.1:5000/medium:1";
/// The same with four further layers of 200 MB.
const LARGE: &str = "127.0.0.1:5000/large:1";

/// Makes the images, the archives and the registry, once.
fn provide(engine: &Engine) -> Result<(), String> {
    let mut registry = engine.registry.lock().unwrap_or_else(PoisonError::into_inner);
    if registry.is_some() {
        return Ok(());
    }
    let Some(host) = &engine.host else { return Ok(()) };
    *registry = Some(Registry::start(host, "registry", PORT, &Guard::default()));
    let tar = tar_of(DEBIAN).display().to_string();
    engine.output(&["import", &tar, MEDIUM])?;
    engine.output(&["tag", MEDIUM, LARGE])?;
    for number in 0..4 {
        let copy = format!(
            "cp -a /usr /usr{number} && find /usr{number} -type f -exec sh -c 'echo {number} >>$0' {{}} \\;"
        );
        engine.output(&["run", "--name", "layer", LARGE, "sh", "-c", &copy])?;
        engine.output(&["commit", "layer", LARGE])?;
        engine.output(&["rm", "layer"])?;
    }
    for image in [MEDIUM, LARGE] {
        engine.output(&["save", "-o", &archive(host, image), image])?;
        engine.output(&["push", image])?;
    }
    Ok(())
}

fn archive(host: &Host, image: &str) -> String {
    let name = if image == MEDIUM { "medium.tar" } else { "large.tar" };
    host.folder().join(name).display().to_string()
}

pub(crate) fn medium(engine: &Engine) -> Result<(), String> {
    provide(engine)?;
    engine.output(&["rmi", "-f", LARGE, MEDIUM]).map(drop).or(Ok(()))
}

/// What is left of an image is no one's business.
fn forget(engine: &Engine) {
    // It may not be there.
    let _ = engine.output(&["rmi", "-f", LARGE, MEDIUM]);
}

fn seconds(engine: &Engine, words: &[&str]) -> Sample {
    Ok(Some(engine.time(words)?.as_secs_f64()))
}

pub(crate) fn pull_medium(engine: &mut Engine) -> Sample {
    pull(engine, MEDIUM)
}

pub(crate) fn pull_large(engine: &mut Engine) -> Sample {
    pull(engine, LARGE)
}

fn pull(engine: &Engine, image: &str) -> Sample {
    forget(engine);
    seconds(engine, &["pull", "-q", image])
}

pub(crate) fn push_medium(engine: &mut Engine) -> Sample {
    push(engine, MEDIUM)
}

pub(crate) fn push_large(engine: &mut Engine) -> Sample {
    push(engine, LARGE)
}

/// To a registry that has lost everything; afterwards it has it again.
fn push(engine: &Engine, image: &str) -> Sample {
    let Some(host) = &engine.host else { return Ok(None) };
    if engine.output(&["inspect", image]).is_err() {
        engine.output(&["pull", "-q", image])?;
    }
    if let Some(registry) = engine.registry.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        let data = registry.data().join("docker/registry/v2/repositories");
        let blobs = registry.data().join("docker/registry/v2/blobs");
        for folder in [data, blobs] {
            std::fs::rename(&folder, folder.with_extension("aside")).map_err(|error| error.to_string())?;
        }
        registry.kill(host);
        registry.restart(host);
        let sample = seconds(engine, &["push", "-q", image]);
        registry.kill(host);
        for name in ["repositories", "blobs"] {
            let folder = registry.data().join("docker/registry/v2").join(name);
            // A push that failed may have made nothing.
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::rename(folder.with_extension("aside"), &folder).map_err(|error| error.to_string())?;
        }
        registry.restart(host);
        return sample;
    }
    Ok(None)
}

pub(crate) fn load_medium(engine: &mut Engine) -> Sample {
    load(engine, MEDIUM)
}

pub(crate) fn load_large(engine: &mut Engine) -> Sample {
    load(engine, LARGE)
}

fn load(engine: &Engine, image: &str) -> Sample {
    forget(engine);
    let Some(host) = &engine.host else { return Ok(None) };
    seconds(engine, &["load", "-q", "-i", &archive(host, image)])
}

pub(crate) fn save_medium(engine: &mut Engine) -> Sample {
    save(engine, MEDIUM)
}

pub(crate) fn save_large(engine: &mut Engine) -> Sample {
    save(engine, LARGE)
}

fn save(engine: &Engine, image: &str) -> Sample {
    if engine.output(&["inspect", image]).is_err() {
        engine.output(&["pull", "-q", image])?;
    }
    let start = Instant::now();
    let Some(host) = &engine.host else { return Ok(None) };
    engine.output(&["save", "-o", &host.folder().join("saved.tar").display().to_string(), image])?;
    Ok(Some(start.elapsed().as_secs_f64()))
}

/// The daemon's largest memory while it pulls, pushes, loads and saves 1 GB.
pub(crate) fn peak(engine: &mut Engine) -> Sample {
    let Some(host) = &engine.host else { return Ok(None) };
    let pid = host.daemon_pid();
    // 5 resets the peak (proc(5), clear_refs).
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").map_err(|error| error.to_string())?;
    pull(engine, LARGE)?;
    save(engine, LARGE)?;
    push(engine, LARGE)?;
    load(engine, LARGE)?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or("no peak of memory in /proc")?;
    Ok(Some(kib / 1024.0))
}

/// What the pulled image takes on the disk.
pub(crate) fn disk(engine: &mut Engine) -> Sample {
    forget(engine);
    let Some(host) = &engine.host else { return Ok(None) };
    let root = match host.engine() {
        sampan_tests::Engine::Sampan => host.data_root(),
        sampan_tests::Engine::Docker => host.folder().to_path_buf(),
    };
    let before = used(&root)?;
    pull(engine, LARGE)?;
    let after = used(&root)?;
    Ok(Some((after - before) / 1e6))
}

fn used(root: &std::path::Path) -> Result<f64, String> {
    let output = std::process::Command::new("du")
        .args(["-s", "--block-size=1", "--one-file-system", "--exclude=registry"])
        .arg(root)
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().next().and_then(|number| number.parse().ok()).ok_or("du said nothing".into())
}
