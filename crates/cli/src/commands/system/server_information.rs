//! The engine's part of the page that `docker info` prints.

use serde_json::Value as Json;

use crate::format::objects::{Fields, size};
use crate::format::units;

/// The page, and what goes to stderr beside it.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<String>,
}

#[derive(Default)]
struct Lines {
    text: String,
    errors: Vec<String>,
}

impl Lines {
    fn line(&mut self, label: &str, value: impl std::fmt::Display) {
        self.text.push_str(&format!(" {label}: {value}\n"));
    }

    fn unless_empty(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            self.line(label, value);
        }
    }

    fn raw(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A title and its lines, unless there are none.
    fn section(&mut self, title: &str, lines: &[String]) {
        if !lines.is_empty() {
            self.raw(&format!(" {title}:"));
            for line in lines {
                self.raw(line);
            }
        }
    }
}

/// Lays the page out. `debug` is the client's own `--debug`.
pub(super) fn describe(info: &Json, debug: bool, user: &str) -> Page {
    let mut lines = Lines::default();
    counts(&mut lines, info);
    plugins(&mut lines, info);
    swarm(&mut lines, info);
    runtimes(&mut lines, info);
    security(&mut lines, info);
    host(&mut lines, info, debug);
    network(&mut lines, info, user);
    registries(&mut lines, info);
    lines.raw("");
    let warnings = info.texts("Warnings").into_iter().map(String::from).collect();
    Page { text: lines.text, warnings, errors: lines.errors }
}

fn counts(lines: &mut Lines, info: &Json) {
    lines.line("Containers", info.int("Containers"));
    lines.line(" Running", info.int("ContainersRunning"));
    lines.line(" Paused", info.int("ContainersPaused"));
    lines.line(" Stopped", info.int("ContainersStopped"));
    lines.line("Images", info.int("Images"));
    lines.unless_empty("Server Version", info.text("ServerVersion"));
    lines.unless_empty("Storage Driver", info.text("Driver"));
    for (key, indent) in [("DriverStatus", "  "), ("SystemStatus", " ")] {
        for pair in info.list(key) {
            let at = |index: usize| pair.get(index).and_then(Json::as_str).unwrap_or_default();
            lines.raw(&format!("{indent}{}: {}", at(0), at(1)));
        }
    }
    lines.unless_empty("Logging Driver", info.text("LoggingDriver"));
    lines.unless_empty("Cgroup Driver", info.text("CgroupDriver"));
    lines.unless_empty("Cgroup Version", info.text("CgroupVersion"));
}

fn plugins(lines: &mut Lines, info: &Json) {
    let plugins = info.field("Plugins");
    let names = |key: &str| plugins.texts(key).join(" ");
    lines.raw(" Plugins:");
    lines.line(" Volume", names("Volume"));
    lines.line(" Network", names("Network"));
    lines.unless_empty(" Authorization", &names("Authorization"));
    lines.line(" Log", names("Log"));
    let folders: Vec<String> =
        info.texts("CDISpecDirs").into_iter().map(|folder| format!("  {folder}")).collect();
    lines.section("CDI spec directories", &folders);
    let devices: Vec<String> = info
        .list("DiscoveredDevices")
        .iter()
        .map(|device| format!("  {}: {}", device.text("Source"), device.text("ID")))
        .collect();
    lines.section("Discovered Devices", &devices);
}

/// Only what a node of a swarm says of itself: Sampan has no swarm, other engines may.
fn swarm(lines: &mut Lines, info: &Json) {
    let swarm = info.field("Swarm");
    lines.line("Swarm", swarm.text("LocalNodeState"));
    if matches!(swarm.text("LocalNodeState"), "inactive" | "locked") {
        return;
    }
    lines.line(" NodeID", swarm.text("NodeID"));
    lines.unless_empty(" Error", swarm.text("Error"));
    lines.line(" Is Manager", swarm.flag("ControlAvailable"));
    let cluster = swarm.field("Cluster");
    if !cluster.is_null() && swarm.flag("ControlAvailable") && swarm.text("Error").is_empty() {
        lines.line(" ClusterID", cluster.text("ID"));
        lines.line(" Managers", swarm.int("Managers"));
        lines.line(" Nodes", swarm.int("Nodes"));
    }
    lines.line(" Node Address", swarm.text("NodeAddr"));
    let mut managers: Vec<String> =
        swarm.list("RemoteManagers").iter().map(|manager| format!("   {}", manager.text("Addr"))).collect();
    managers.sort();
    if !managers.is_empty() {
        lines.raw("  Manager Addresses:");
        managers.iter().for_each(|manager| lines.raw(manager));
    }
}

fn runtimes(lines: &mut Lines, info: &Json) {
    let mut names: Vec<&str> =
        info.field("Runtimes").as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if !names.is_empty() {
        lines.line("Runtimes", names.join(" "));
        lines.line("Default Runtime", info.text("DefaultRuntime"));
    }
}

fn security(lines: &mut Lines, info: &Json) {
    if info.text("OSType") != "linux" {
        return;
    }
    lines.line("Init Binary", info.text("InitBinary"));
    for (label, key) in [
        ("containerd version", "ContainerdCommit"),
        ("runc version", "RuncCommit"),
        ("init version", "InitCommit"),
    ] {
        lines.line(label, info.field(key).text("ID"));
    }
    let options = info.texts("SecurityOptions");
    if options.is_empty() {
        return;
    }
    let mut described = Vec::new();
    for option in options {
        match security_option(option) {
            Ok(lines) => described.extend(lines),
            Err(error) => {
                lines.errors.push(error);
                return;
            }
        }
    }
    lines.section("Security Options", &described);
}

/// `name=seccomp,profile=builtin` as lines; an old engine sends the bare name.
fn security_option(option: &str) -> Result<Vec<String>, String> {
    if !option.contains('=') {
        return Ok(vec![format!("  {option}")]);
    }
    let mut name = String::new();
    let mut profiles = Vec::new();
    for pair in option.split(',') {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => match key {
                "name" => name = value.into(),
                "profile" => profiles.push(format!("   Profile: {value}")),
                _ => {}
            },
            Some(_) => return Err("invalid empty security option".into()),
            None => return Err(format!("invalid security option {pair:?}")),
        }
    }
    let mut lines = vec![format!("  {name}")];
    lines.extend(profiles);
    Ok(lines)
}

fn host(lines: &mut Lines, info: &Json, debug: bool) {
    lines.unless_empty("Kernel Version", info.text("KernelVersion"));
    lines.unless_empty("Operating System", info.text("OperatingSystem"));
    lines.unless_empty("OSType", info.text("OSType"));
    lines.unless_empty("Architecture", info.text("Architecture"));
    lines.line("CPUs", info.int("NCPU"));
    lines.line("Total Memory", units::bytes_size(size(info.int("MemTotal"))));
    lines.unless_empty("Name", info.text("Name"));
    lines.unless_empty("ID", info.text("ID"));
    lines.line("Docker Root Dir", info.text("DockerRootDir"));
    lines.line("Debug Mode", info.flag("Debug"));
    if info.flag("Debug") || debug {
        lines.line(" File Descriptors", info.int("NFd"));
        lines.line(" Goroutines", info.int("NGoroutines"));
        lines.line(" System Time", info.text("SystemTime"));
        lines.line(" EventsListeners", info.int("NEventsListener"));
    }
}

fn network(lines: &mut Lines, info: &Json, user: &str) {
    lines.unless_empty("HTTP Proxy", info.text("HttpProxy"));
    lines.unless_empty("HTTPS Proxy", info.text("HttpsProxy"));
    lines.unless_empty("No Proxy", info.text("NoProxy"));
    lines.unless_empty("Username", user);
    let labels: Vec<String> = info.texts("Labels").into_iter().map(|label| format!("  {label}")).collect();
    lines.section("Labels", &labels);
    lines.line("Experimental", info.flag("ExperimentalBuild"));
}

fn registries(lines: &mut Lines, info: &Json) {
    let registries = info.field("RegistryConfig");
    let ranges = registries.texts("InsecureRegistryCIDRs");
    let indexes = registries.field("IndexConfigs").as_object();
    if !ranges.is_empty() || indexes.is_some_and(|indexes| !indexes.is_empty()) {
        lines.raw(" Insecure Registries:");
        for (_, index) in indexes.into_iter().flatten().filter(|(_, index)| !index.flag("Secure")) {
            lines.raw(&format!("  {}", index.text("Name")));
        }
        for range in ranges {
            lines.raw(&format!("  {range}"));
        }
    }
    let mirrors: Vec<String> =
        registries.texts("Mirrors").into_iter().map(|mirror| format!("  {mirror}")).collect();
    lines.section("Registry Mirrors", &mirrors);
    lines.line("Live Restore Enabled", info.flag("LiveRestoreEnabled"));
    lines.unless_empty("Product License", info.text("ProductLicense"));
    let pools: Vec<String> = info
        .list("DefaultAddressPools")
        .iter()
        .map(|pool| format!("   Base: {}, Size: {}", pool.text("Base"), pool.int("Size")))
        .collect();
    lines.section("Default Address Pools", &pools);
}
