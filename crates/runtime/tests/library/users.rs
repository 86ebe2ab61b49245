//! Users of the image, and user namespaces.

use oci_spec::runtime::{LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespace, LinuxNamespaceType};
use sampan_runtime::compile::compile;
use sampan_runtime::plan::RootMount;

use crate::Test;
use crate::bench::{Bench, message};

pub(crate) const TESTS: &[Test] = &[
    ("users_are_looked_up_in_the_image", names),
    ("users_that_do_not_exist_are_refused", refused),
    ("a_user_namespace_maps_root_to_another_user", mapped),
    ("an_added_process_is_in_the_user_namespace", added_to_mapped),
    ("a_bind_mount_can_map_its_owners", idmapped),
];

fn names(bench: &mut Bench) {
    for (user, wanted) in [
        ("web", "uid=33(web) gid=34(web) groups=34(web),50(logs)\n"),
        ("33:logs", "uid=33(web) gid=50(logs) groups=50(logs)\n"),
        ("1234", "uid=1234 gid=0(root) groups=0(root)\n"),
        ("", "uid=0(root) gid=0(root) groups=0(root)\n"),
    ] {
        let mut context = bench.context();
        context.user = Some(user.into());
        let plan = compile(&bench.spec("id"), &context).unwrap();
        assert_eq!(bench.output(&plan), wanted);
    }
}

fn refused(bench: &mut Bench) {
    for (user, wanted) in [
        ("nobody", "unable to find user nobody: no matching entries in passwd file"),
        ("0:nobody", "unable to find group nobody: no matching entries in group file"),
        ("4294967296", "uids and gids must be in range 0-2147483647"),
    ] {
        let mut context = bench.context();
        context.user = Some(user.into());
        let plan = compile(&bench.spec("id"), &context).unwrap();
        assert_eq!(message(bench.run(&plan)), wanted);
    }
}

fn range(inside: u32, outside: u32, size: u32) -> Vec<LinuxIdMapping> {
    let builder = LinuxIdMappingBuilder::default();
    vec![builder.container_id(inside).host_id(outside).size(size).build().unwrap()]
}

fn mapped(bench: &mut Bench) {
    let mut spec = bench.spec(
        "id -u; cat /proc/self/uid_map; echo new > /tmp/made; ls -n /etc/passwd; echo ok > /dev/null && \
         mount | grep -c proc; cat /sys/kernel/mm/transparent_hugepage/enabled > /dev/null; echo x > /proc/sys/net/core/somaxconn",
    );
    map_users(&mut spec);
    let mut context = bench.context();
    let (upper, work) = (bench.directory("upper"), bench.directory("work"));
    // The image's files belong to the mapped root.
    chown_tree(&bench.rootfs, 100_000);
    chown_tree(&upper, 100_000);
    context.root = RootMount::Overlay {
        lower: vec![bench.rootfs.clone()],
        upper: Some(upper.clone()),
        work: Some(work),
        options: Vec::new(),
        readonly: false,
    };
    let plan = compile(&spec, &context).unwrap();
    let (output, _) = bench.run(&plan).unwrap();
    assert!(output.starts_with("0\n         0     100000      65536\n"), "{output}");
    assert!(output.contains("1 0        0"), "{output}");
    let made = std::fs::metadata(upper.join("tmp/made")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), 100_000);
}

/// Gives the container a user namespace in which it is user 100000 of the host.
fn map_users(spec: &mut oci_spec::runtime::Spec) {
    let linux = spec.linux_mut().as_mut().unwrap();
    let mut users = LinuxNamespace::default();
    users.set_typ(LinuxNamespaceType::User);
    linux.namespaces_mut().as_mut().unwrap().push(users);
    linux.set_uid_mappings(Some(range(0, 100_000, 65_536))).set_gid_mappings(Some(range(0, 100_000, 65_536)));
}

fn added_to_mapped(bench: &mut Bench) {
    let mut spec = bench.spec("sleep 1000");
    map_users(&mut spec);
    chown_tree(&bench.rootfs, 100_000);
    let plan = compile(&spec, &bench.context()).unwrap();
    let (started, cgroup) = bench.start(&plan);
    let (output, code) = bench
        .exec(&plan, (&started, &cgroup), |process| {
            process.args = crate::bench::command(&["sh", "-c", "id -u; cat /proc/self/uid_map"]);
        })
        .unwrap();
    assert_eq!((output.as_str(), code), ("0\n         0     100000      65536\n", 0));
}

fn chown_tree(path: &std::path::Path, owner: u32) {
    std::os::unix::fs::lchown(path, Some(owner), Some(owner)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap() {
            chown_tree(&entry.unwrap().path(), owner);
        }
    }
}

fn idmapped(bench: &mut Bench) {
    let source = bench.directory("source");
    std::fs::write(source.join("file"), "x").unwrap();
    std::os::unix::fs::chown(source.join("file"), Some(1000), Some(1000)).unwrap();
    let mut spec = bench.spec("ls -n /mapped/file");
    let mut mount = oci_spec::runtime::Mount::default();
    mount
        .set_destination("/mapped".into())
        .set_typ(Some("bind".into()))
        .set_source(Some(source))
        .set_options(Some(vec!["bind".into(), "rprivate".into()]));
    // User 1000 of the file system is shown as user 0.
    let one = range(1000, 0, 1);
    mount.set_uid_mappings(Some(one.clone())).set_gid_mappings(Some(one));
    spec.mounts_mut().as_mut().unwrap().push(mount);
    let plan = compile(&spec, &bench.context()).unwrap();
    let output = bench.output(&plan);
    assert!(output.contains("1 0        0"), "{output}");
}
