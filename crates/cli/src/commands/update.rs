//! `docker update`: changes the limits and the restart policy of containers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ashore::{self, Place};
use super::container_options::{port_bindings, restart_policy};
use super::fleet_flags::{Careful, add_job, follow, plan_text};
use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::{Client, Query, object_path, own_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    blkio_weight: u64,
    cpu_period: i64,
    cpu_quota: i64,
    cpu_rt_period: i64,
    cpu_rt_runtime: i64,
    cpuset_cpus: String,
    cpuset_mems: String,
    cpu_shares: i64,
    memory: i64,
    memory_reservation: i64,
    memory_swap: i64,
    kernel_memory: i64,
    restart: String,
    pids_limit: i64,
    cpus: i64,
    publish: Vec<String>,
    unpublish: Vec<String>,
    rolling: Rolling,
}

/// The flags of a rolling update.
#[derive(Default)]
struct Rolling {
    once: bool,
    every: String,
    image: String,
    rollback: bool,
    force: bool,
    dry_run: bool,
    watch: i64,
    careful: Careful,
}

/// Flags that ask for a rolling update.
const ROLLING: [&str; 5] = ["once", "every", "image", "rollback", "force"];

#[derive(Deserialize)]
struct Updated {
    #[serde(rename = "Warnings", default)]
    warnings: Option<Vec<String>>,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Update configuration of one or more containers",
        aliases: "container update, update",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    const DESCRIPTION: &'static str = "Update configuration of one or more containers\n\n\
        Rolling updates replace replicas one by one, and take themselves back when one fails:\n  \
        sampan container update --once my-ubuntu-container\n  \
        sampan container update -d 5m my-ubuntu-container\n  \
        sampan container update --image my-ubuntu-image:2 my-ubuntu-container\n  \
        sampan container update --rollback my-ubuntu-container";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.unsigned(
            &mut self.blkio_weight,
            "blkio-weight",
            "uint16",
            u64::from(u16::MAX),
            "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)",
        );
        let ints = [
            (&mut self.cpu_period, "cpu-period", "", "Limit CPU CFS (Completely Fair Scheduler) period"),
            (&mut self.cpu_quota, "cpu-quota", "", "Limit CPU CFS (Completely Fair Scheduler) quota"),
            (&mut self.cpu_rt_period, "cpu-rt-period", "", "Limit the CPU real-time period in microseconds"),
            (
                &mut self.cpu_rt_runtime,
                "cpu-rt-runtime",
                "",
                "Limit the CPU real-time runtime in microseconds",
            ),
            (&mut self.cpu_shares, "cpu-shares", "c", "CPU shares (relative weight)"),
            (&mut self.pids_limit, "pids-limit", "", "Tune container pids limit (set -1 for unlimited)"),
        ];
        for (target, name, shorthand, usage) in ints {
            flags.int(target, name, shorthand, usage);
        }
        flags.string(&mut self.cpuset_cpus, "cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)");
        flags.string(&mut self.cpuset_mems, "cpuset-mems", "", "MEMs in which to allow execution (0-3, 0,1)");
        flags.size(&mut self.memory, "memory", "m", "Memory limit");
        flags.size(&mut self.memory_reservation, "memory-reservation", "", "Memory soft limit");
        flags.swap_size(
            &mut self.memory_swap,
            "memory-swap",
            "Swap limit equal to memory plus swap: -1 to enable unlimited swap",
        );
        flags.size(&mut self.kernel_memory, "kernel-memory", "", "Kernel memory limit (deprecated)").hidden();
        flags.string(&mut self.restart, "restart", "", "Restart policy to apply when a container exits");
        flags.cpus(&mut self.cpus, "cpus", "Number of CPUs");
        flags
            .list(
                &mut self.publish,
                "publish",
                "p",
                "Publish a container's port(s), in the place of what they were published as",
            )
            .own();
        flags
            .list(&mut self.unpublish, "unpublish", "", "Publish these ports of the container no more")
            .own();
        self.rolling.flags(flags);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if parsed.changed.is_empty() {
            return Err("you must provide one or more flags when using this command".into());
        }
        if ROLLING.iter().any(|flag| parsed.changed(flag)) {
            return self.rolling.run(session, &parsed);
        }
        let body = self.body()?;
        let client = session.client()?;
        let mut warnings = Vec::new();
        let mut failures = Vec::new();
        for name in &parsed.arguments {
            let update = || {
                let path = object_path("container", name, "update")?;
                client.post_json(&path, &Query::new(), &body)?.json::<Updated>()
            };
            match update() {
                Ok(updated) => {
                    println!("{name}");
                    warnings.extend(updated.warnings.into_iter().flatten());
                }
                Err(failure) => failures.push(failure),
            }
        }
        if !warnings.is_empty() {
            println!("{}", warnings.join("\n"));
        }
        super::several::joined(failures)
    }
}

impl Rolling {
    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags
            .bool(
                &mut self.once,
                "once",
                "",
                "Replace the replicas by those of the newest image of the same name",
            )
            .own();
        flags
            .string(
                &mut self.every,
                "every",
                "d",
                "Do that now and again and again: an interval (5m) or five fields as in crontab (\"0 3 * * *\")",
            )
            .own();
        flags.string(&mut self.image, "image", "", "Replace the replicas by those of this image").own();
        flags.bool(&mut self.rollback, "rollback", "", "Go back to what was before the last update").own();
        flags.bool(&mut self.force, "force", "", "Replace the replicas though the image is the same").own();
        flags.bool(&mut self.dry_run, "dry-run", "", "Only show what would be done").own();
        flags
            .duration(&mut self.watch, "watch", "Time after an update in which a failure takes it back")
            .shown_default("1m")
            .own();
        self.careful.flags(flags);
    }

    /// One that lives at a target.
    fn ashore(&self, client: &Client, place: &Place) -> Result<()> {
        if self.rollback {
            return ashore::post(client, place, "rollback");
        }
        ashore::update(client, place, &json!({"Image": self.image, "Force": self.force}))
    }

    /// One replica after the other.
    fn run(self, session: &Session, parsed: &Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        for name in &parsed.arguments {
            if let Some(place) = Place::parse(name) {
                self.ashore(client, &place)?;
                println!("{name}");
                continue;
            }
            let mut body = self.careful.body(parsed);
            body["Image"] = json!(self.image);
            body["Rollback"] = json!(self.rollback);
            body["Force"] = json!(self.force);
            body["DryRun"] = json!(self.dry_run);
            if parsed.changed("watch") {
                body["Watch"] = json!((self.watch / 1_000_000_000).max(0));
            }
            if !self.every.is_empty() && !self.dry_run {
                add_job(session, name, &self.every, "Update", &body)?;
                println!("{name}");
                continue;
            }
            let mut response = match client.post_json(&own_path(name, "update")?, &Query::new(), &body) {
                Ok(response) => response,
                Err(failure) => {
                    self.ashore(client, &ashore::elsewhere(client, name, failure)?)?;
                    println!("{name}");
                    continue;
                }
            };
            if self.dry_run {
                print(&plan_text(&response.json()?))?;
                continue;
            }
            follow(&mut response)?;
            println!("{name}");
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    /// The API's `UpdateConfig`: zero means unchanged.
    fn body(&self) -> Result<Value> {
        let (restart, retries) = restart_policy(&self.restart)?;
        let mut body = json!({
            "CpuShares": self.cpu_shares,
            "Memory": self.memory,
            "NanoCpus": self.cpus,
            "CgroupParent": "",
            "BlkioWeight": self.blkio_weight,
            "BlkioWeightDevice": null,
            "BlkioDeviceReadBps": null,
            "BlkioDeviceWriteBps": null,
            "BlkioDeviceReadIOps": null,
            "BlkioDeviceWriteIOps": null,
            "CpuPeriod": self.cpu_period,
            "CpuQuota": self.cpu_quota,
            "CpuRealtimePeriod": self.cpu_rt_period,
            "CpuRealtimeRuntime": self.cpu_rt_runtime,
            "CpusetCpus": self.cpuset_cpus,
            "CpusetMems": self.cpuset_mems,
            "Devices": null,
            "DeviceCgroupRules": null,
            "DeviceRequests": null,
            "MemoryReservation": self.memory_reservation,
            "MemorySwap": self.memory_swap,
            "MemorySwappiness": null,
            "OomKillDisable": null,
            "PidsLimit": if self.pids_limit == 0 { Value::Null } else { json!(self.pids_limit) },
            "Ulimits": null,
            "CpuCount": 0,
            "CpuPercent": 0,
            "IOMaximumIOps": 0,
            "IOMaximumBandwidth": 0,
            "RestartPolicy": {"Name": restart, "MaximumRetryCount": retries},
        });
        if !self.publish.is_empty() || !self.unpublish.is_empty() {
            body["Publish"] = port_bindings(&self.publish)?.into();
            body["Unpublish"] = json!(self.unpublish);
        }
        if self.kernel_memory != 0 {
            body["KernelMemory"] = json!(self.kernel_memory);
        }
        Ok(body)
    }
}
