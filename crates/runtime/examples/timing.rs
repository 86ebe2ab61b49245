//! Measures each phase of a container's life: `cargo run --release -p sampan-runtime --example timing -- ROOTFS`.
//!
//! ROOTFS is a directory with `/bin/busybox`. Medians of all rounds, in microseconds.

use std::path::{Path, PathBuf};
use std::time::Instant;

use sampan_runtime::cgroup::Cgroup;
use sampan_runtime::compile::{CompileContext, compile};
use sampan_runtime::plan::{Plan, RootMount};
use sampan_runtime::{ContainerHandle, ExecPlan, LaunchFiles, ParkPlan, defaults, exec_in, park};

const ROUNDS: usize = 40;

/// Named durations of all rounds.
#[derive(Default)]
struct Times(Vec<(&'static str, Vec<u128>)>);

impl Times {
    fn measure<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.record(name, start.elapsed().as_micros());
        result
    }

    fn record(&mut self, name: &'static str, elapsed: u128) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, list)) => list.push(elapsed),
            None => self.0.push((name, vec![elapsed])),
        }
    }

    fn print(&mut self) {
        for (name, list) in &mut self.0 {
            list.sort_unstable();
            println!("{name:<34} {:>8} (least {:>6})", list[list.len() / 2], list[0]);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rootfs: PathBuf = std::env::args().nth(1).ok_or("usage: timing ROOTFS")?.into();
    let scratch = std::env::temp_dir().join(format!("sampan-timing-{}", std::process::id()));
    let mut times = Times::default();
    for round in 0..ROUNDS {
        let directory = scratch.join(round.to_string());
        let plan = times.measure("compile", || plan(&rootfs, &directory, "true"))?;
        once(&plan, &mut times)?;
    }
    let directory = scratch.join("exec");
    let plan = plan(&rootfs, &directory, "sleep")?;
    exec(&plan, &mut times)?;
    times.print();
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

fn plan(rootfs: &Path, directory: &Path, applet: &str) -> Result<Plan, Box<dyn std::error::Error>> {
    let (upper, work) = (directory.join("upper"), directory.join("work"));
    std::fs::create_dir_all(&upper)?;
    std::fs::create_dir_all(&work)?;
    let mut spec = defaults::spec()?;
    if let Some(process) = spec.process_mut() {
        process.set_args(Some(vec!["/bin/busybox".into(), applet.into(), "1000".into()]));
    }
    let mut context = CompileContext::for_bundle(format!("timing-{}", std::process::id()), directory);
    context.root = RootMount::Overlay {
        lower: vec![rootfs.to_owned()],
        upper: Some(upper),
        work: Some(work),
        options: Vec::new(),
        readonly: false,
    };
    context.user = Some(String::new());
    Ok(compile(&spec, &context)?)
}

fn once(plan: &Plan, times: &mut Times) -> Result<(), Box<dyn std::error::Error>> {
    let whole = Instant::now();
    let cgroup = times.measure("cgroup: make", || Cgroup::create(&plan.cgroup.path))?;
    times.measure("cgroup: limits", || cgroup.apply(&plan.cgroup.limits))?;
    let parked = times.measure("park", || park(&ParkPlan::for_plan(plan, Some(&cgroup))?))?;
    let ready = times.measure("launch", || parked.launch(plan, &LaunchFiles::default()))?;
    for (name, duration) in &ready.steps {
        times.record(name, duration.as_micros());
    }
    let started = times.measure("start", || ready.start())?;
    times.measure("wait for the program's end", || sampan_sys::pidfd::wait(&started.pidfd))?;
    times.measure("cgroup: remove", || cgroup.remove())?;
    times.record("(whole, cold)", whole.elapsed().as_micros());
    Ok(())
}

fn exec(plan: &Plan, times: &mut Times) -> Result<(), Box<dyn std::error::Error>> {
    let cgroup = Cgroup::create(&plan.cgroup.path)?;
    cgroup.apply(&plan.cgroup.limits)?;
    let started =
        park(&ParkPlan::for_plan(plan, Some(&cgroup))?)?.launch(plan, &LaunchFiles::default())?.start()?;
    use std::os::fd::AsFd;
    let mut process = plan.process.clone();
    process.args[1] = "true".into();
    for _ in 0..ROUNDS {
        let handle = ContainerHandle {
            id: &plan.id,
            init: started.pidfd.as_fd(),
            namespaces: plan.namespace_set(),
            cgroup: Some(&cgroup),
        };
        let exec = ExecPlan { process: &process, stdio: None, extra: Vec::new() };
        let added = times.measure("exec", || exec_in(handle, &exec))?;
        times.measure("exec: wait for its end", || sampan_sys::pidfd::wait(&added.pidfd))?;
    }
    sampan_sys::pidfd::send_signal(&started.pidfd, 9)?;
    sampan_sys::pidfd::wait(&started.pidfd)?;
    cgroup.remove()?;
    Ok(())
}
