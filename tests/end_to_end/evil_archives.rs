//! Tar files that try to leave the folder that they are unpacked in (CVE-2014-6407, CVE-2014-9357,
//! CVE-2021-32760, CVE-2021-41089, CVE-2025-47290).

use std::fs;

use sampan_tests::{BUSYBOX, Host, tar_of};

/// Writes an archive out of entries: name, kind of tar(5), link target, content.
const WRITE: &str = r#"
import io, sys, tarfile
path, base, canary = sys.argv[1:4]
recipes = {
    "dots": [("../../../../../../../..%s/new" % canary, "0", "", "x")],
    "absolute": [("%s/new" % canary, "0", "", "x")],
    "through-link": [("out", "2", canary, ""), ("out/new", "0", "", "x")],
    "through-relative-link": [("out", "2", "../../../../../../../.." + canary, ""), ("out/new", "0", "", "x")],
    "through-chain": [("a", "2", "b", ""), ("b", "2", canary, ""), ("a/new", "0", "", "x")],
    "hard-link": [("stolen", "1", canary + "/file", ""), ("stolen", "0", "", "overwritten")],
    "hard-link-up": [("stolen", "1", "../../../../../../../.." + canary + "/file", "")],
    "hard-link-mode": [("link", "2", canary + "/file", ""), ("again", "1", "link", ""), ("again", "0", "", "overwritten")],
    "whiteout": [("out", "2", canary, ""), ("out/.wh.file", "0", "", "")],
    "opaque": [("out", "2", canary, ""), ("out/.wh..wh..opq", "0", "", "")],
    "whiteout-up": [(".wh...", "0", "", ""), ("a/.wh...", "0", "", ""), (".wh.", "0", "", "")],
    "folder-over-link": [("out", "2", canary, ""), ("out", "5", "", ""), ("out/new", "0", "", "x")],
    "root-as-link": [(".", "2", canary, ""), ("new", "0", "", "x")],
    "nothing-named": [("", "0", "", "x"), ("/", "0", "", "x"), ("./", "0", "", "x")],
    "long": [("d/" * 2000 + "f", "0", "", "x"), ("n" * 300, "0", "", "x")],
}
kinds = {"0": tarfile.REGTYPE, "1": tarfile.LNKTYPE, "2": tarfile.SYMTYPE, "5": tarfile.DIRTYPE}
for name, entries in recipes.items():
    with tarfile.open("%s/%s.tar" % (path, name), "w", format=tarfile.PAX_FORMAT) as out:
        for member in tarfile.open(base):
            if member.name in ("./bin", "./bin/busybox", "./bin/sh"):
                source = tarfile.open(base)
                out.addfile(member, source.extractfile(member.name) if member.isreg() else None)
        for entry, kind, target, content in entries:
            info = tarfile.TarInfo(entry)
            info.type, info.linkname, info.size, info.mode = kinds[kind], target, len(content), 0o777
            out.addfile(info, io.BytesIO(content.encode()) if kind == "0" else None)
print("\n".join(recipes))
"#;

struct Canary(std::path::PathBuf);

impl Canary {
    fn place(host: &Host) -> Canary {
        let folder = host.folder().join("canary");
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("file"), "untouched").expect("written");
        Canary(folder)
    }

    #[track_caller]
    fn sings(&self, recipe: &str) {
        use std::os::unix::fs::MetadataExt;
        let names: Vec<_> =
            fs::read_dir(&self.0).expect("listed").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["file"], "{recipe}: something was made or removed outside");
        let file = self.0.join("file");
        assert_eq!(fs::read_to_string(&file).expect("read"), "untouched", "{recipe}");
        let metadata = fs::metadata(&file).expect("read");
        assert_eq!(
            (metadata.nlink(), metadata.mode() & 0o777),
            (1, 0o644),
            "{recipe}: links or mode changed"
        );
    }
}

#[test]
fn nothing_leaves_the_folder_by_import_and_cp() {
    let host = Host::new();
    let canary = Canary::place(&host);
    let folder = host.folder().join("archives");
    fs::create_dir(&folder).expect("made");
    let base = tar_of(BUSYBOX).display().to_string();
    let (path, target) = (folder.display().to_string(), canary.0.display().to_string());
    let recipes = host.run(&["python3", "-c", WRITE, &path, &base, &target]).ok().to_owned();
    host.docker(&["run", "-d", "--name", "box", "busybox", "sleep", "1000"]).ok();
    for recipe in recipes.lines() {
        let tar = folder.join(format!("{recipe}.tar"));
        let image = format!("evil:{recipe}");
        if host.docker(&["import", "-c", "CMD [\"sh\"]", &tar.display().to_string(), &image]).code == 0 {
            host.docker(&[
                "run",
                "--rm",
                "--pull=never",
                "--entrypoint",
                "/bin/sh",
                &image,
                "-c",
                "echo x >/out/new; echo x >/stolen; ls -R / >/dev/null",
            ]);
        }
        canary.sings(recipe);
        let bytes = fs::read(&tar).expect("the archive");
        host.docker_with_input(&["cp", "-", "box:/tmp"], &bytes);
        canary.sings(recipe);
        host.docker_with_input(&["cp", "-", "box:/"], &bytes);
        canary.sings(recipe);
    }
    assert_eq!(host.docker(&["run", "--rm", "busybox", "echo", "fine"]).ok(), "fine");
}

#[test]
fn nothing_leaves_the_folder_by_load() {
    let host = Host::new();
    let canary = Canary::place(&host);
    let folder = host.folder().join("archives");
    fs::create_dir(&folder).expect("made");
    let base = tar_of(BUSYBOX).display().to_string();
    let (path, target) = (folder.display().to_string(), canary.0.display().to_string());
    let recipes = host.run(&["python3", "-c", WRITE, &path, &base, &target]).ok().to_owned();
    // An archive as `docker save` writes it, around each hostile layer.
    let wrap = r#"
cd "$1"; rm -rf image; mkdir image; cp "$2.tar" image/layer.tar
diff=$(sha256sum image/layer.tar | cut -d' ' -f1)
printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$diff" >image/config.json
printf '[{"Config":"config.json","RepoTags":["evil:%s"],"Layers":["layer.tar"]}]' "$2" >image/manifest.json
tar -C image -cf image.tar config.json manifest.json layer.tar"#;
    for recipe in recipes.lines() {
        host.shell(wrap, &[&path, recipe]).ok();
        host.docker(&["load", "-i", &folder.join("image.tar").display().to_string()]);
        canary.sings(recipe);
        host.docker(&[
            "run",
            "--rm",
            "--pull=never",
            "--entrypoint",
            "/bin/sh",
            &format!("evil:{recipe}"),
            "-c",
            "echo x >/out/new; true",
        ]);
        canary.sings(recipe);
    }
    assert_eq!(host.docker(&["run", "--rm", "busybox", "echo", "fine"]).ok(), "fine");
}

#[test]
fn a_layer_that_is_not_what_its_digest_says_is_refused() {
    let host = Host::new();
    // The built-in image, where there is one, is of no concern here.
    host.docker(&["rmi", "hello"]);
    let tar = host.folder().join("saved.tar").display().to_string();
    host.docker(&["save", "-o", &tar, "busybox"]).ok();
    host.docker(&["rmi", "busybox"]).ok();
    let folder = host.folder().join("changed").display().to_string();
    let change = r#"
mkdir "$2"; tar -C "$2" -xf "$1"
layer=$(find "$2" -type f -size +500k | head -n 1)
printf 'changed' | dd of="$layer" bs=1 seek=600 conv=notrunc 2>/dev/null
tar -C "$2" -cf "$1" ."#;
    host.shell(change, &[&tar, &folder]).ok();
    let load = host.docker(&["load", "-i", &tar]);
    assert_ne!(load.code, 0, "{load}");
    assert_eq!(host.docker(&["images", "-aq"]).ok(), "");
}
