//! Builds by the protocol that clients speak without BuildKit.

use std::path::Path;

use sampan_tests::build::{context, in_image as run};
use sampan_tests::{Campaign, Host, Outcome};

fn build(host: &Host, folder: &Path, words: &[&str]) -> Outcome {
    let folder = folder.display().to_string();
    let all = [&["env", "DOCKER_BUILDKIT=0", "docker", "build"], words, &[folder.as_str()]].concat();
    host.with_client(&all)
}

fn inspect(host: &Host, image: &str, what: &str) -> String {
    host.docker(&["image", "inspect", "-f", &format!("{{{{json {what}}}}}"), image]).ok().to_owned()
}

#[test]
fn the_language_means_what_docker_says() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let dockerfile = r#"# syntax=docker/dockerfile:1
ARG TAG=latest
FROM busybox:${TAG} AS base
ARG WHO=nobody
ARG UNSET
ENV GREETING="hello $WHO" PLAIN=a\ b
ENV OLD some words here
LABEL greeting="$GREETING" one=1
MAINTAINER somebody
WORKDIR /app
WORKDIR sub
COPY a.txt ./
COPY folder /copied/
COPY *.md docs/
COPY ["with space", "/spaced/"]
RUN echo "$GREETING ${UNSET:-unset}${WHO%you}" >said && pwd >where
RUN ["sh", "-c", "id -u >/user"]
RUN <<EOF
echo first >/document
echo second >>/document
EOF
COPY --chmod=640 --chown=12:34 a.txt /owned
ADD archive.tar.gz /unpacked/

FROM scratch AS unused
COPY nothing-of-this-name /

FROM base
COPY --from=base /app/sub/said /said
COPY --from=busybox:latest /etc/passwd /from-image
USER 1000:1000
EXPOSE 80 53/udp
VOLUME /data
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
ONBUILD RUN echo triggered >/triggered
ENTRYPOINT ["cat"]
CMD ["/said"]
"#;
    let files =
        [("a.txt", "a"), ("folder/deep/b", "b"), ("one.md", "1"), ("two.md", "2"), ("with space", "s")];
    let folder = context(&host, "language", dockerfile, &files);
    let script = "cd \"$1\" && mkdir t && echo packed >t/x && tar -czf archive.tar.gz -C t x && rm -r t";
    host.shell(script, &[&folder.display().to_string()]).ok();
    let built = build(&host, &folder, &["-t", "app", "--build-arg", "WHO=you", "--label", "extra=yes"]);
    assert!(built.ok().contains("Successfully tagged app:latest"), "{built}");
    assert_eq!(host.docker(&["run", "--rm", "app"]).ok(), "hello you unset");
    let script = "cat /app/sub/said /app/sub/where /app/sub/a.txt /copied/deep/b /app/sub/docs/*.md '/spaced/with space' \
        /user /document /unpacked/x; stat -c '%a %u:%g' /owned; echo \"$PLAIN|$OLD\"; id -u; head -n 1 /from-image";
    assert_eq!(
        run(&host, "app", script),
        "hello you unset\n/app/sub\nab12s0\nfirst\nsecond\npacked\n640 12:34\na b|some words here\n1000\nroot:x:0:0:root:/root:/bin/sh"
    );
    for (what, expected) in [
        (".Config.ExposedPorts", r#"{"53/udp":{},"80/tcp":{}}"#),
        (".Config.Volumes", r#"{"/data":{}}"#),
        (".Config.StopSignal", r#""SIGINT""#),
        (".Config.Entrypoint", r#"["cat"]"#),
        (".Config.Cmd", r#"["/said"]"#),
        (".Config.User", r#""1000:1000""#),
        (".Config.WorkingDir", r#""/app/sub""#),
        (".Config.OnBuild", r#"["RUN echo triggered >/triggered"]"#),
        (".Config.Labels", r#"{"extra":"yes","greeting":"hello you","one":"1"}"#),
        (".Author", r#""somebody""#),
        (".Config.Healthcheck.Interval", "5000000000"),
    ] {
        assert_eq!(inspect(&host, "app", what), expected, "{what}");
    }
    // A trigger runs in the next build, once.
    let child = context(&host, "child", "FROM app\nUSER root\n", &[]);
    build(&host, &child, &["-t", "child"]).fails(1, "returned a non-zero code: 1");
    let root = context(&host, "root", "FROM busybox\nONBUILD RUN echo triggered >/triggered\n", &[]);
    build(&host, &root, &["-t", "root"]).ok();
    let child = context(&host, "child2", "FROM root\n", &[]);
    build(&host, &child, &["-t", "child"]).ok();
    assert_eq!(run(&host, "child", "cat /triggered"), "triggered");
    assert_eq!(inspect(&host, "child", ".Config.OnBuild"), "null");
    // A stage by its name, which needs nothing of the others.
    build(&host, &folder, &["-t", "base", "--target", "BASE"]).ok();
    build(&host, &folder, &["--target", "unused"]).fails(1, "not found in the build context");
}

#[test]
fn what_is_wrong_is_shown_with_its_line() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    for (dockerfile, said) in [
        (
            "FROM busybox\n\nCOPY. /app\n",
            "dockerfile parse error on line 3: unknown instruction \"COPY.\", did you mean \"COPY . /app\"?",
        ),
        ("FROM busybox\nRUN exit 7\n", "The command '/bin/sh -c exit 7' returned a non-zero code: 7"),
        ("FROM busybox\nCOPY missing /\n", "\"missing\": not found in the build context"),
        ("FROM scratch\nRUN x\n", "there is nothing in scratch"),
        ("FROM busybox\nCOPY ../../etc/shadow /\n", "not found in the build context"),
        ("FROM busybox\nRUN --mount=type=cache true\n", "requires a target"),
        (
            "FROM busybox\nRUN --mount=type=secret,id=x,required=true true\n",
            "secret x: not found: give it with --secret",
        ),
        ("FROM busybox\nADD https://example.invalid/x /\n", "example.invalid"),
        ("FROM busybox\nADD https://example.invalid/ /\n", "cannot tell the name of the file"),
        ("FROM busybox\nENV a=${b:?needed}\n", "b: needed"),
        ("", "file with no instructions"),
        ("FROM busybox\nUSER\n", "USER requires exactly one argument"),
    ] {
        let folder = context(&host, "wrong", dockerfile, &[]);
        build(&host, &folder, &[]).fails(1, said);
    }
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "", "no step is left");
    let folder = context(&host, "tag", "FROM busybox\n", &[]);
    build(&host, &folder, &["-t", "my-flask:v1."]).fails(1, "did you mean \"-t my-flask:v1 .\"?");
    build(&host, &folder, &["-f", "Nofile"]).fails(1, "Nofile");
}

/// A link in the context that leads away leads nowhere.
#[test]
fn nothing_outside_the_context_is_copied() {
    let host = Host::new();
    let folder = context(&host, "links", "FROM busybox\nCOPY . /all/\nCOPY out /one\n", &[("in", "x")]);
    std::os::unix::fs::symlink("/etc/hostname", folder.join("out")).expect("a link");
    std::os::unix::fs::symlink("in", folder.join("inner")).expect("a link");
    let built = build(&host, &folder, &["-t", "links"]);
    if built.code == 0 {
        assert_eq!(run(&host, "links", "test -L /one && readlink /all/out"), "/etc/hostname");
    }
    let folder = context(&host, "links", "FROM busybox\nCOPY . /all/\nCOPY inner /one\n", &[]);
    build(&host, &folder, &["-t", "links"]).ok();
    assert_eq!(run(&host, "links", "cat /one; readlink /all/out"), "x/etc/hostname");
}

#[test]
fn the_cache_knows_what_a_step_depends_on() {
    let host = Host::new();
    let dockerfile = "FROM busybox\nARG A=1\nRUN cat /proc/sys/kernel/random/uuid >/first\nCOPY file /\nRUN echo $A; cat /proc/sys/kernel/random/uuid >/second\nLABEL a=b\n";
    let folder = context(&host, "cached", dockerfile, &[("file", "1")]);
    let id = |words: &[&str]| {
        let built = build(&host, &folder, &[words, &["-t", "cached", "-q"]].concat());
        let id = built.ok().lines().last().unwrap_or_default().to_owned();
        (id, run(&host, "cached", "cat /first"), run(&host, "cached", "cat /second"))
    };
    let first = id(&[]);
    assert_eq!(id(&[]), first, "nothing changed");
    // Times do not count, contents and modes do.
    host.run(&["touch", "-d", "2001-01-01", &folder.join("file").display().to_string()]).ok();
    assert_eq!(id(&[]), first);
    std::fs::write(folder.join("file"), "2").expect("written");
    let second = id(&[]);
    assert!(second.1 == first.1 && second.2 != first.2, "only what comes after the file is done again");
    std::fs::write(folder.join("file"), "1").expect("written");
    assert_eq!(id(&[]), first, "old outcomes are still known");
    let argument = id(&["--build-arg", "A=2"]);
    assert!(argument.1 != first.1, "an ARG counts for every RUN after it");
    let anew = id(&["--no-cache"]);
    assert!(anew.1 != first.1 && anew.2 != first.2);
    // A label after all steps makes another image, and no step again.
    std::fs::write(folder.join("Dockerfile"), dockerfile.replace("a=b", "a=c")).expect("written");
    let labelled = id(&[]);
    assert!(labelled.0 != anew.0 && labelled.2 == anew.2);
}

/// Ten builds of the same at once do each step once.
#[test]
fn builds_at_once_share_their_steps() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let folder =
        context(&host, "shared", "FROM busybox\nRUN sleep 0.3; cat /proc/sys/kernel/random/uuid >/id\n", &[]);
    let ids: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let one = |number: usize| {
            let (host, folder) = (&host, &folder);
            scope.spawn(move || {
                let name = format!("shared{number}");
                build(host, folder, &["-t", &name]).ok();
                run(host, &name, "cat /id")
            })
        };
        let all: Vec<_> = (0..10).map(one).collect();
        all.into_iter().map(|one| one.join().expect("a build")).collect()
    });
    assert_eq!(ids.len(), 1);
}

/// kill -9 of the daemon in mid-build: nothing is left over, and what was built before is still right.
#[test]
fn campaign_kill_in_mid_build() {
    if sampan_tests::sampan_only() {
        return;
    }
    let campaign = Campaign::new("kill -9 of the daemon in the middle of a build", 5, 30);
    let mut host = Host::new();
    let dockerfile = "FROM busybox\nCOPY . /all\nRUN for i in 1 2 3 4 5; do echo $i >/f$i; done; sleep 0.1\nRUN mkdir /d; sleep 0.1; echo x >/d/x\nCOPY a /b\n";
    let folder = context(&host, "killed", dockerfile, &[("a", "a"), ("sub/b", "b")]);
    let tree = "find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -type f -print | grep -v '^/etc/' | sort | xargs sha256sum | sha256sum";
    build(&host, &folder, &["-t", "whole", "--no-cache"]).ok();
    let whole = run(&host, "whole", tree);
    let clean = |host: &Host| {
        assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
        let contexts = std::fs::read_dir(host.data_root().join("build/contexts")).map_or(0, Iterator::count);
        assert_eq!(contexts, 0, "contexts are left");
    };
    for round in 0..campaign.rounds {
        let path = folder.display().to_string();
        let words = ["env", "DOCKER_BUILDKIT=0", "docker", "build", "--no-cache", "-t", "killed", &path];
        let building = host.client_running(&words);
        std::thread::sleep(std::time::Duration::from_millis((round * 67 % 420) as u64));
        host.kill_daemon();
        drop(building);
        host.start_daemon();
        sampan_tests::until("what was left is removed", || host.docker(&["ps", "-aq"]).ok().is_empty());
        clean(&host);
    }
    build(&host, &folder, &["-t", "again"]).ok();
    assert_eq!(run(&host, "again", tree), whole);
    clean(&host);
    campaign.done("nothing was left, and the cached build has the same files as one without the cache");
}

/// Our own command line: `.dockerignore`, Dockerfiles from elsewhere, contexts from everywhere.
#[test]
fn our_command_line_builds() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let files = [
        ("a", "1"),
        ("b.log", "2"),
        ("keep.log", "3"),
        ("sub/c.log", "4"),
        (".dockerignore", "*.log\n!keep.log\n"),
    ];
    let folder = context(
        &host,
        "own",
        "FROM busybox\nCOPY . /all/\nARG FROM_HERE\nRUN echo $FROM_HERE >/here\nCMD [\"ls\", \"-A\", \"/all\"]\n",
        &files,
    );
    let path = folder.display().to_string();
    let sampan = |words: &[&str]| host.sampan(&[&["build"], words].concat());
    let built = sampan(&["-t", "own", "--build-arg", "FROM_HERE=yes", "--label", "a=b", &path]);
    assert!(built.ok().contains("Successfully tagged own:latest"), "{built}");
    assert_eq!(host.docker(&["run", "--rm", "own"]).ok(), ".dockerignore\nDockerfile\na\nkeep.log\nsub");
    assert_eq!(run(&host, "own", "cat /here; ls /all/sub"), "yes\nc.log");
    let id_file = host.folder().join("id").display().to_string();
    let id = sampan(&["-q", "--iidfile", &id_file, &path]).ok().to_owned();
    assert!(id.starts_with("sha256:") && std::fs::read_to_string(&id_file).expect("the id") == id, "{id}");

    let elsewhere = context(&host, "elsewhere", "FROM busybox\nCOPY a /from-outside\n", &[]);
    let file = elsewhere.join("Dockerfile").display().to_string();
    sampan(&["-t", "outside", "-f", &file, &path]).ok();
    assert_eq!(run(&host, "outside", "cat /from-outside"), "1");
    let program = sampan_tests::sampan_binary().display().to_string();
    let piped = |script: &str| host.with_client(&["sh", "-c", script, "sh", &program, &path]);
    piped("printf 'FROM busybox\\nRUN echo piped >/x\\n' | \"$1\" build -t piped -").ok();
    assert_eq!(run(&host, "piped", "cat /x"), "piped");
    piped("tar -cz -C \"$2\" . | \"$1\" build -t tarred -").ok();
    assert_eq!(run(&host, "tarred", "cat /all/b.log"), "2");
    piped("printf 'FROM busybox\\nCOPY a /x\\n' | \"$1\" build -t stdin -f - \"$2\"").ok();
    assert_eq!(run(&host, "stdin", "cat /x"), "1");

    // From a repository: a branch, and a folder in it.
    let script = r#"cd "$1" && git init -q -b main repo && cd repo && mkdir app && printf 'FROM busybox\nCOPY v /v\n' >app/Dockerfile
        echo one >app/v && git add . && git -c user.name=n -c user.email=e commit -qm one && git branch first
        echo two >app/v && git -c user.name=n -c user.email=e commit -qam two"#;
    host.shell(script, &[&host.folder().display().to_string()]).ok();
    let repository = format!("file://{}/repo/.git", host.folder().display());
    sampan(&["-t", "git", &format!("{repository}#:app")]).ok();
    assert_eq!(run(&host, "git", "cat /v"), "two");
    sampan(&["-t", "git", &format!("{repository}#first:app")]).ok();
    assert_eq!(run(&host, "git", "cat /v"), "one");
    sampan(&[&format!("{repository}#first:../..")]).fails(1, "the repository has no folder");
    sampan(&[&format!("{repository}#nothing")]).fails(1, "unable to prepare context");
    let ran = host.sampan(&["run", "--rm", "--build", &format!("{repository}#first:app"), "cat", "/v"]);
    assert_eq!(ran.ok(), "one");
    assert!(ran.stderr.contains("Successfully built"), "{ran}");
    sampan(&["/nowhere"]).fails(1, "path \"/nowhere\" not found");
    sampan(&["-t", "my-flask:v1."]).fails(1, "requires 1 argument");
    sampan(&["-t", "my-flask:v1.", &path]).fails(1, "did you mean \"-t my-flask:v1 .\"?");
}

/// Secrets, outputs, and what our own command line has beside: only what changed is sent, and why a step is done again.
#[test]
fn our_command_line_offers_more() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let dockerfile = "FROM busybox\nARG V\nCOPY . /all\nRUN --mount=type=secret,id=token test \"$(cat /run/secrets/token)\" = sesame && echo $V >/v\n";
    let folder = context(
        &host,
        "more",
        dockerfile,
        &[("a", "1"), ("b", "2"), ("out/x", "3"), (".dockerignore", "out\n")],
    );
    let path = folder.display().to_string();
    std::fs::write(host.folder().join("token"), "sesame").expect("written");
    let secret = format!("id=token,src={}", host.folder().join("token").display());
    let sampan = |words: &[&str]| {
        host.sampan(&[&["build", "--why", "--secret", &secret], words, &[path.as_str()]].concat())
    };
    let first = sampan(&["-t", "more"]);
    assert_eq!(first.ok().matches("no step of this text was done before").count(), 2, "{first}");
    let again = sampan(&["-t", "more"]);
    assert_eq!(again.ok().matches("Using cache").count(), 2, "{again}");
    std::fs::write(folder.join("b"), "22").expect("written");
    std::fs::write(folder.join("c"), "3").expect("written");
    std::fs::remove_file(folder.join("a")).expect("removed");
    let changed = sampan(&["-t", "more"]);
    assert!(changed.ok().contains("changed: the files (b changed, c is new, a is gone)"), "{changed}");
    assert!(changed.stdout.contains("changed: a step before it"), "{changed}");
    let argument = sampan(&["-t", "more", "--build-arg", "V=7"]);
    assert!(
        argument.ok().contains("changed: ARGs") || argument.stdout.contains("no step of this text"),
        "{argument}"
    );
    assert_eq!(run(&host, "more", "cat /v; ls /all"), "7\nDockerfile\nb\nc");
    // What is kept is the folder without what is left out, and files that did not change keep their inodes.
    let kept = host.run(&[
        "sh",
        "-c",
        "cd \"$1\"/build/kept/* && ls -A && stat -c %i c",
        "sh",
        &host.data_root().display().to_string(),
    ]);
    sampan(&["--no-cache"]).ok();
    let later = host.run(&[
        "sh",
        "-c",
        "cd \"$1\"/build/kept/* && ls -A && stat -c %i c",
        "sh",
        &host.data_root().display().to_string(),
    ]);
    assert_eq!(kept.ok(), later.ok());
    assert!(!kept.stdout.contains("out"), "{kept}");

    let at = |name: &str| host.folder().join(name).display().to_string();
    sampan(&["-o", &at("tree"), "--metadata-file", &at("metadata")]).ok();
    assert_eq!(std::fs::read_to_string(at("tree/all/b")).expect("a file"), "22");
    assert!(std::fs::read_to_string(at("metadata")).expect("a file").contains("containerimage.digest"));
    sampan(&["-o", &format!("type=tar,dest={}", at("files.tar"))]).ok();
    assert!(host.run(&["tar", "-tf", &at("files.tar")]).ok().contains("all/b"));
    sampan(&["-t", "archived", "-o", &format!("type=oci,dest={}", at("oci.tar"))]).ok();
    let place = format!("oci-archive:{}", at("oci.tar"));
    assert!(host.run(&["skopeo", "inspect", &place]).ok().contains("\"Layers\""));
    sampan(&["-o", "type=what,dest=x"]).fails(1, "unknown output type");
    host.sampan(&["build", "--no-cache", &path]).fails(1, "returned a non-zero code");
    host.sampan(&["build", "--secret", "id=x,src=/nowhere", &path]).fails(1, "failed to stat /nowhere");
}

/// Contexts with names, stages that are done again, and caches that begin with what a stage has.
#[test]
fn further_contexts_and_caches() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let dockerfile = "FROM base AS made\nRUN mkdir -p /seed/in && echo seed >/seed/in/f && cat /proc/sys/kernel/random/uuid >/one\n\
        FROM base\nCOPY --from=extra e /e\nCOPY --from=made /one /one\nRUN cat /proc/sys/kernel/random/uuid >/two\n\
        RUN --mount=type=cache,id=seeded,from=made,source=/seed,target=/c cat /c/in/f >/seeded && echo more >>/c/in/f\n\
        RUN --mount=type=cache,id=seeded,from=made,source=/seed,target=/c cat /c/in/f >/again\n";
    let folder = context(&host, "further", dockerfile, &[]).display().to_string();
    let extra = context(&host, "extra", "", &[("e", "extra"), ("skip", "x"), (".dockerignore", "skip\n")])
        .display()
        .to_string();
    let sampan = |words: &[&str]| {
        let extra = format!("extra={extra}");
        let all = [
            &[
                "build",
                "-t",
                "further",
                "--build-context",
                "base=docker-image://busybox",
                "--build-context",
                &extra,
            ],
            words,
            &[folder.as_str()],
        ]
        .concat();
        host.sampan(&all).ok();
        run(&host, "further", "cat /one /two /e /seeded /again")
    };
    let first = sampan(&[]);
    assert!(first.ends_with("extraseed\nseed\nmore"), "{first}");
    assert_eq!(sampan(&[]), first);
    let lines = |text: &str| text.lines().take(2).map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(&first), lines(&sampan(&["--no-cache-filter", "made"])));
    assert!(before[0] != after[0], "the stage was not done again");
    host.sampan(&["build", "--build-context", "x=/nowhere", &folder]).fails(1, "no such folder");
}

/// With a time of its own, a build is the same bit for bit wherever and whenever it runs.
#[test]
fn builds_with_a_time_come_out_the_same() {
    if sampan_tests::sampan_only() {
        return;
    }
    let build = |pause: u64| {
        let host = Host::new();
        let folder = context(
            &host,
            "same",
            "FROM scratch\nCOPY busybox /bin/\nRUN [\"/bin/busybox\", \"mkdir\", \"-p\", \"/made/here\"]\nWORKDIR /w\n",
            &[],
        );
        let folder = folder.display().to_string();
        host.shell("cp /bin/busybox \"$1\"", &[&folder]).ok();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        host.sampan(&["build", "-q", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", &folder]).ok().to_owned()
    };
    let first = build(0);
    assert_eq!(build(1100), first);
    let host = Host::new();
    let folder = context(&host, "bad", "FROM scratch\nWORKDIR /w\n", &[]).display().to_string();
    host.sampan(&["build", "--build-arg", "SOURCE_DATE_EPOCH=soon", &folder])
        .fails(1, "no number of seconds");
}

/// Binds, caches and memory are there for the step alone.
#[test]
fn steps_have_mounts_of_their_own() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let dockerfile = r#"FROM busybox AS one
RUN mkdir /made && echo from-one >/made/file
FROM busybox
ARG N
COPY <<A <<"B" /docs/
say $N "quoted"
A
keep $N
B
RUN --mount=target=/context cat /context/a >/seen && ! touch /context/x
RUN --mount=type=bind,from=one,source=/made,target=/one,rw cat /one/file >>/seen && echo x >/one/written
RUN --mount=type=cache,target=/cache,id=c,mode=0700 echo $N >>/cache/list && cp /cache/list /list && stat -c %a /cache >>/seen
RUN --mount=type=tmpfs,target=/deep/memory df /deep/memory | grep -q tmpfs && touch /deep/memory/x
RUN --mount=type=secret,id=none ls /run/secrets >/dev/null 2>&1 || echo none >>/seen
RUN --network=none ip link | grep -c eth0 >/links || true
"#;
    let folder = context(&host, "mounts", dockerfile, &[("a", "context\n")]);
    build(&host, &folder, &["-t", "m", "--build-arg", "N=1"]).ok();
    assert_eq!(run(&host, "m", "cat /seen /list /links"), "context\nfrom-one\n700\nnone\n1\n0");
    assert_eq!(run(&host, "m", "cat /docs/A /docs/B"), "say 1 \"quoted\"\nkeep $N");
    assert_eq!(
        run(&host, "m", "ls -d /context /one /cache /deep /made 2>/dev/null; true"),
        "",
        "no mount point is left"
    );
    build(&host, &folder, &["-t", "m", "--build-arg", "N=2"]).ok();
    assert_eq!(run(&host, "m", "cat /list"), "1\n2", "the cache is kept");
    host.docker(&["builder", "prune", "-f"]);
    let path = folder.join("a");
    std::fs::write(&path, "other\n").expect("written");
    build(&host, &folder, &["-t", "m", "--build-arg", "N=2"]).ok();
    assert!(run(&host, "m", "cat /seen").starts_with("other"), "what is bound counts for the step");
}

#[test]
fn progress_is_shown_as_it_is_wanted() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let folder = context(&host, "shown", "FROM busybox\nRUN echo said\n", &[]).display().to_string();
    let build = |progress: &str| {
        host.sampan(&["build", "--no-cache", "--progress", progress, "-t", "shown", &folder])
    };
    for mode in ["auto", "plain", "tty"] {
        assert!(build(mode).ok().contains("\nsaid\n"), "{mode}");
    }
    let quiet = build("quiet");
    assert!(
        quiet.ok().starts_with("sha256:") && quiet.ok().lines().count() == 1 && quiet.stderr.is_empty(),
        "{quiet}"
    );
    let raw = build("rawjson");
    assert_eq!(raw.ok(), "");
    for line in raw.stderr.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON on each line");
    }
    assert!(raw.stderr.contains("said"), "{raw}");
    let bad = build("loud");
    assert!(bad.code != 0 && bad.stderr.contains("invalid progress mode loud"), "{bad}");
}

/// What `--squash` makes has one layer above its base, with the same files as without it.
#[test]
fn layers_become_one() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let dockerfile = "FROM busybox AS one\nRUN mkdir -p /d/e && echo secret >/d/e/f && echo a >/a && ln /a /b && chmod 4755 /a\n\
        FROM one\nRUN rm -r /d /etc/group && mkdir /d && echo new >/d/new\nRUN rm -rf /root && ln -s d /root\nENV x=1\n\
        RUN echo more >>/a && rm -r /d && mkdir -m 700 /d && chown 7:8 /d\n";
    let folder = context(&host, "squashed", dockerfile, &[]).display().to_string();
    let listing = "cd / && find . -xdev -type d \\( -name proc -o -name sys -o -name dev -o -name hosts \\) -prune -o -exec ls -dln {} + | awk '{$2=$6=$7=$8=\"\"; print}'; cat /a; id -u";
    let layers = |image: &str| -> usize {
        let count = host.docker(&["image", "inspect", "-f", "{{len .RootFS.Layers}}", image]);
        count.ok().parse().expect("a number")
    };
    host.sampan(&["build", "-t", "plain", &folder]).ok();
    for _ in 0..2 {
        host.sampan(&["build", "--squash", "-t", "squashed", &folder]).ok();
        assert_eq!((layers("plain"), layers("squashed")), (layers("busybox") + 4, layers("busybox") + 1));
        assert_eq!(run(&host, "squashed", listing), run(&host, "plain", listing));
    }
    // What was deleted is in none of its layers.
    let files = |image: &str| {
        let saved = host.folder().join(format!("saved-{image}")).display().to_string();
        host.sampan(&["save", image, "-o", &format!("{saved}.tar")]).ok();
        let script = r#"mkdir "$1" && tar -C "$1" -xf "$1.tar"
            for blob in $(find "$1" -type f); do tar -tf "$blob" 2>/dev/null || true; done"#;
        host.shell(script, &[&saved]).ok().to_owned()
    };
    assert!(files("plain").lines().any(|line| line.ends_with("d/e/f")), "whichever layer is listed last");
    let squashed = files("squashed");
    assert!(!squashed.contains("d/e/f") && squashed.contains("etc/.wh.group"), "{squashed}");
}
