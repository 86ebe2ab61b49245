//! Images that try to reach the host.

use std::fs;
use std::os::unix::fs::symlink;

use sampan_runtime::compile::compile;
use sampan_runtime::plan::Terminal;

use crate::Test;
use crate::bench::{Bench, message};

pub(crate) const TESTS: &[Test] = &[
    ("links_of_the_image_do_not_lead_out", links),
    ("a_link_in_the_place_of_proc_is_refused", proc_link),
    ("a_volume_over_proc_is_refused", proc_volume),
    ("a_false_null_device_masks_nothing", false_null),
    ("a_link_in_the_place_of_the_console_is_refused", console_link),
    ("a_working_directory_in_a_descriptor_is_refused", leaked_directory),
    ("the_program_file_cannot_be_written_through_proc", own_program),
    ("a_pipe_in_the_place_of_passwd_does_not_block", passwd_pipe),
];

fn bind(spec: &mut oci_spec::runtime::Spec, source: &std::path::Path, destination: &str) {
    let mut mount = oci_spec::runtime::Mount::default();
    mount
        .set_destination(destination.into())
        .set_typ(Some("bind".into()))
        .set_source(Some(source.into()))
        .set_options(Some(vec!["rbind".into(), "rprivate".into()]));
    spec.mounts_mut().as_mut().unwrap().push(mount);
}

fn links(bench: &mut Bench) {
    let outside = bench.directory("outside");
    let source = bench.directory("source");
    fs::write(source.join("file"), "volume").unwrap();
    symlink(&outside, bench.rootfs.join("escape")).unwrap();
    symlink("../../../../../../../..", bench.rootfs.join("up")).unwrap();
    let mut spec = bench.spec("cat /escape/volume/file; ls / | grep -c up");
    bind(&mut spec, &source, "/escape/volume");
    bind(&mut spec, &source, "/up/volume2");
    let mut context = bench.context();
    context.create_cwd = true;
    let mut plan = compile(&spec, &context).unwrap();
    plan.process.cwd = "/escape/work".into();
    let output = bench.output(&plan);
    assert!(output.starts_with("volume"), "{output}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "something was made outside");
    assert!(bench.rootfs.join("volume2").is_dir());
}

fn proc_link(bench: &mut Bench) {
    fs::remove_dir(bench.rootfs.join("proc")).unwrap();
    fs::create_dir(bench.rootfs.join("other")).unwrap();
    symlink("other", bench.rootfs.join("proc")).unwrap();
    let plan = bench.plan("true");
    assert!(message(bench.run(&plan)).contains("must be mounted on an ordinary directory"));
}

fn proc_volume(bench: &mut Bench) {
    let source = bench.directory("source");
    let mut spec = bench.spec("true");
    bind(&mut spec, &source, "/proc");
    let plan = compile(&spec, &bench.context()).unwrap();
    assert!(message(bench.run(&plan)).contains("not of type proc"));
    let mut spec = bench.spec("true");
    bind(&mut spec, &source, "/proc/sys");
    let plan = compile(&spec, &bench.context()).unwrap();
    assert!(message(bench.run(&plan)).contains("inside /proc"));
}

fn false_null(bench: &mut Bench) {
    // With a /dev from outside the runtime makes no devices; what is there is the image's.
    let dev = bench.directory("dev");
    fs::write(dev.join("null"), "false").unwrap();
    let mut spec = bench.spec("true");
    spec.mounts_mut().as_mut().unwrap().retain(|mount| !mount.destination().starts_with("/dev"));
    bind(&mut spec, &dev, "/dev");
    let plan = compile(&spec, &bench.context()).unwrap();
    assert!(message(bench.run(&plan)).contains("not the null device"));
}

fn console_link(bench: &mut Bench) {
    let dev = bench.directory("dev");
    symlink("/etc/passwd", dev.join("console")).unwrap();
    fs::create_dir(dev.join("pts")).unwrap();
    let mut spec = bench.spec("true");
    spec.mounts_mut()
        .as_mut()
        .unwrap()
        .retain(|mount| !mount.destination().starts_with("/dev") || mount.destination().ends_with("pts"));
    let mounts = spec.mounts_mut().as_mut().unwrap();
    let at = mounts.iter().position(|mount| mount.destination().ends_with("pts")).unwrap();
    let pts = mounts.remove(at);
    bind(&mut spec, &dev, "/dev");
    spec.mounts_mut().as_mut().unwrap().push(pts);
    let mut plan = compile(&spec, &bench.context()).unwrap();
    plan.process.terminal = Some(Terminal::default());
    plan.masked_paths.clear();
    assert!(message(bench.run(&plan)).contains("neither a file nor a device"));
}

fn leaked_directory(bench: &mut Bench) {
    for number in 3..30 {
        let mut plan = bench.plan("pwd");
        plan.process.cwd = format!("/proc/self/fd/{number}");
        plan.process.create_cwd = false;
        assert!(bench.run(&plan).is_err(), "a working directory through descriptor {number}");
    }
}

fn own_program(bench: &mut Bench) {
    let mut plan = bench.plan("true");
    symlink("/proc/self/exe", bench.rootfs.join("bin/self")).unwrap();
    plan.process.args = vec!["/bin/self".into(), "no-such-test".into()];
    // The program that runs is this very test, from within the container; it finds no test of that name.
    let own = fs::metadata("/proc/self/exe").unwrap();
    let modified = own.modified().unwrap();
    let _ = bench.run(&plan);
    assert_eq!(fs::metadata("/proc/self/exe").unwrap().modified().unwrap(), modified);
}

fn passwd_pipe(bench: &mut Bench) {
    let path = bench.rootfs.join("etc/passwd");
    fs::remove_file(&path).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let plan = bench.plan("echo fine");
    assert_eq!(bench.output(&plan), "fine\n");
}
