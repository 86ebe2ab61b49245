//! Root file systems: binds and overlays.

use std::fs;
use std::path::PathBuf;

use sampan_runtime::compile::compile;
use sampan_runtime::plan::RootMount;

use crate::Test;
use crate::bench::Bench;

pub(crate) const TESTS: &[Test] = &[
    ("a_bound_root_runs_a_command", bound),
    ("an_overlay_keeps_its_changes_in_the_upper_directory", overlay),
    ("an_overlay_of_many_layers_with_long_names", many_layers),
    ("an_overlay_without_an_upper_directory_is_read_only", read_only_overlay),
    ("the_defaults_are_in_force", defaults),
];

fn bound(bench: &mut Bench) {
    let plan = bench.plan("echo $$ $(id -u) $HOME; exit 3");
    assert_eq!(bench.run(&plan).unwrap(), ("1 0 /root\n".into(), 3));
}

fn overlay_root(bench: &Bench, lower: Vec<PathBuf>, upper: bool) -> RootMount {
    RootMount::Overlay {
        lower,
        upper: upper.then(|| bench.directory("upper")),
        work: upper.then(|| bench.directory("work")),
        options: Vec::new(),
        readonly: false,
    }
}

fn overlay(bench: &mut Bench) {
    let mut context = bench.context();
    context.root = overlay_root(bench, vec![bench.rootfs.clone()], true);
    let plan = compile(
        &bench.spec("echo new > /tmp/made; cat /etc/passwd > /dev/null; mount | grep ' / '"),
        &context,
    );
    let output = bench.output(&plan.unwrap());
    assert!(output.starts_with("overlay on / type overlay (rw,"), "{output}");
    assert_eq!(fs::read_to_string(bench.place.join("upper/tmp/made")).unwrap(), "new\n");
    assert!(!bench.rootfs.join("tmp/made").exists());
}

fn many_layers(bench: &mut Bench) {
    let mut lower: Vec<PathBuf> = (0..120)
        .map(|number| {
            let path = bench.directory(&format!("{}-{number}", "layer".repeat(20)));
            fs::write(path.join(format!("file-{number}")), "x").unwrap();
            path
        })
        .collect();
    lower.push(bench.rootfs.clone());
    let mut context = bench.context();
    context.root = overlay_root(bench, lower, true);
    let plan = compile(&bench.spec("ls / | grep -c file-"), &context).unwrap();
    assert_eq!(bench.output(&plan), "120\n");
}

fn read_only_overlay(bench: &mut Bench) {
    let mut context = bench.context();
    let second = bench.directory("second");
    context.root = overlay_root(bench, vec![second, bench.rootfs.clone()], false);
    context.create_cwd = false;
    let mut spec = bench.spec("echo x > /tmp/x || echo refused");
    // Nothing may have to be made in a root that cannot be written.
    spec.set_mounts(Some(Vec::new()));
    let mut plan = compile(&spec, &context).unwrap();
    (plan.devices, plan.links, plan.masked_paths, plan.readonly_paths) = Default::default();
    assert!(bench.output(&plan).contains("refused"));
}

fn defaults(bench: &mut Bench) {
    let plan = bench.plan(
        "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; ls /proc/self/fd | grep -c . ; ls /dev; \
         cat /proc/kcore | dd bs=1 count=1 2>/dev/null; ls /sys/firmware; echo x > /proc/sys/kernel/hostname",
    );
    let (output, _) = bench.run(&plan).unwrap();
    for line in ["CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "Seccomp:\t2", "NoNewPrivs:\t0"] {
        assert!(output.contains(line), "{line} is not in {output}");
    }
    let bounding = 0xa804_25fb & sampan_sys::capability::bounding();
    assert!(output.contains(&format!("CapBnd:\t{bounding:016x}")), "{output}");
    assert!(output.contains("\n4\n"), "three descriptors and the look itself: {output}");
    for device in ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "stdout", "shm", "mqueue"] {
        assert!(output.contains(&format!("\n{device}\n")), "{device} is not in {output}");
    }
    assert!(output.contains("Read-only file system"), "{output}");
}
