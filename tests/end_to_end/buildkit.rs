//! Builds by BuildKit's protocol, as the stock buildx and Compose speak it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use sampan_tests::build::{add_plugins, context, in_image};
use sampan_tests::compose::{Generation, Project};
use sampan_tests::registry::{Guard, Registry};
use sampan_tests::{Host, Outcome, sampan_only};

fn host() -> Host {
    let host = Host::new();
    add_plugins(&host);
    host
}

fn buildx(host: &Host, folder: &Path, words: &[&str]) -> Outcome {
    let folder = folder.display().to_string();
    let all = [&["buildx", "build", "--progress=plain"], words, &[folder.as_str()]].concat();
    host.docker(&all)
}

/// The text of a file of the host.
fn text(host: &Host, name: &str) -> String {
    std::fs::read_to_string(host.folder().join(name)).expect("a file")
}

#[test]
fn buildx_builds_with_all_that_it_brings() {
    if sampan_only() {
        return;
    }
    let host = host();
    let dockerfile = "FROM base AS one\nRUN --network=none echo $WHO >/one && cat /one\nFROM base AS unused\nRUN false\n\
        FROM base\nARG WHO\nCOPY . /all\nCOPY --from=one /one /one\nCOPY --from=extra e /e\n\
        RUN echo $WHO >/who && grep 1.2.3.4 /etc/hosts && ulimit -n\nCMD [\"cat\", \"/who\"]\n";
    let files = [("a", "a"), ("skip.log", "x"), (".dockerignore", "*.log\n")];
    let folder = context(&host, "ctx", dockerfile, &files);
    let extra = context(&host, "extra", "", &[("e", "extra")]).display().to_string();
    let (id, metadata) = (host.folder().join("id"), host.folder().join("metadata"));
    let extra = format!("extra={extra}");
    let words = [
        "-t",
        "web:1",
        "-t",
        "web:2",
        "--build-arg",
        "WHO=me",
        "--label",
        "l=m",
        "--add-host",
        "far:1.2.3.4",
        "--ulimit",
        "nofile=77:99",
        "--build-context",
        "base=docker-image://busybox",
        "--build-context",
        &extra,
        "--iidfile",
        &id.display().to_string(),
        "--metadata-file",
        &metadata.display().to_string(),
    ];
    let built = buildx(&host, &folder, &words);
    built.ok();
    for line in [
        "[internal] load build definition from Dockerfile",
        "[one 2/2] RUN --network=none",
        "[stage-2 5/5] RUN echo $WHO",
        "1.2.3.4\tfar",
        " 77\n",
        "exporting to image",
    ] {
        assert!(built.stderr.contains(line), "{line:?} is missing: {built}");
    }
    assert!(!built.stderr.contains("unused"), "{built}");
    assert_eq!(host.docker(&["run", "--rm", "web:1"]).ok(), "me");
    assert_eq!(in_image(&host, "web:2", "cat /e; ls -A /all"), "extra.dockerignore\nDockerfile\na");
    let inspected = host.docker(&["image", "inspect", "-f", "{{.Id}} {{.Config.Labels.l}}", "web:1"]);
    assert_eq!(inspected.ok(), format!("{} m", text(&host, "id")));
    let metadata: serde_json::Value = serde_json::from_str(&text(&host, "metadata")).expect("JSON");
    assert_eq!(metadata["image.name"], "docker.io/library/web:1,docker.io/library/web:2");
    let cached =
        buildx(&host, &folder, &[&words[..], &["--cache-from", "type=registry,ref=127.0.0.1:1/x"]].concat());
    cached.ok();
    assert!(cached.stderr.contains("no build cache from 127.0.0.1:1/x"), "{cached}");
    // The cache is the same for all protocols, and so is the image.
    let again = buildx(&host, &folder, &words);
    assert!(again.ok().is_empty() && again.stderr.matches("CACHED").count() == 5, "{again}");
    assert_eq!(host.docker(&["images", "-q", "--filter", "dangling=true"]).ok(), "", "steps are not shown");
    assert!(host.docker(&["buildx", "inspect"]).ok().contains("linux/amd64"));
    assert!(host.docker(&["buildx", "ls"]).ok().contains("running"));
}

/// Contents travel only when they changed, even after a restart of the daemon.
#[test]
fn only_changed_files_are_sent() {
    if sampan_only() {
        return;
    }
    let mut host = host();
    let names: Vec<String> = (0..500).map(|number| format!("d{}/f{number}", number % 7)).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "0123456789")).collect();
    let folder = context(&host, "many", "FROM busybox\nCOPY . /all\n", &files);
    let sent = |host: &Host| {
        let built = buildx(host, &folder, &["-t", "many"]);
        built.ok();
        let line =
            built.stderr.lines().find_map(|line| line.split_once("transferring context: ")).map(|it| it.1);
        line.unwrap_or_else(|| panic!("{built}")).split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!(sent(&host), "5.03kB");
    assert_eq!(sent(&host), "done");
    std::fs::write(folder.join("d3/f3"), "changed").expect("written");
    std::fs::remove_file(folder.join("d4/f4")).expect("removed");
    assert_eq!(sent(&host), "7B");
    assert_eq!(
        in_image(&host, "many", "cat /all/d3/f3; ls /all/d4/f4 2>&1; true"),
        "changedls: /all/d4/f4: No such file or directory"
    );
    host.kill_daemon();
    host.start_daemon();
    assert_eq!(sent(&host), "done");
    // Two builds of one folder at once do not disturb each other.
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (host, folder) = (&host, &folder);
            scope.spawn(move || {
                buildx(host, folder, &["--no-cache", "-t", &format!("at-once{number}")]).ok().to_owned()
            });
        }
    });
    for number in 0..4 {
        assert_eq!(in_image(&host, &format!("at-once{number}"), "find /all -type f | wc -l"), "500");
    }
    let contexts = std::fs::read_dir(host.data_root().join("build/contexts")).map_or(0, Iterator::count);
    assert_eq!(contexts, 0, "copies of contexts are left");
}

/// Secrets and agents are there for the step, and nowhere afterwards.
#[test]
fn secrets_leave_no_trace() {
    if sampan_only() {
        return;
    }
    let host = host();
    let secret = "sesame-5f1c9d";
    std::fs::write(host.folder().join("token"), secret).expect("written");
    let dockerfile = "FROM busybox\n\
        RUN --mount=type=secret,id=token,uid=7,mode=0440 stat -c '%a %u' /run/secrets/token && wc -c </run/secrets/token\n\
        RUN --mount=type=secret,id=token,target=/etc/token test -s /etc/token\n\
        RUN --mount=type=secret,id=token,env=TOKEN test ${#TOKEN} = 13 && echo env works\n\
        RUN --mount=type=secret,id=nobody test ! -e /run/secrets/nobody\n\
        RUN --mount=type=ssh,required=true test -S $SSH_AUTH_SOCK && nc local:$SSH_AUTH_SOCK </dev/null; echo agent at $SSH_AUTH_SOCK\n\
        RUN test ! -e /run/secrets && test ! -e /etc/token && test -z \"$TOKEN$SSH_AUTH_SOCK\"\n";
    let folder = context(&host, "secret", dockerfile, &[]);
    let file = format!("id=token,src={}", host.folder().join("token").display());
    let script = r#"eval "$(ssh-agent)" >/dev/null; trap 'kill $SSH_AGENT_PID' EXIT
        docker buildx build --progress=plain -t secret --secret "$1" --ssh default "$2""#;
    let built = host.with_client(&["bash", "-c", script, "bash", &file, &folder.display().to_string()]);
    built.ok();
    for line in ["440 7", " 13\n", "env works", "agent at /run/buildkit/ssh_agent.0"] {
        assert!(built.stderr.contains(line), "{line:?} is missing: {built}");
    }
    let required = "FROM busybox\nRUN --mount=type=secret,id=no,required=true true\n";
    let required = context(&host, "required", required, &[]);
    buildx(&host, &required, &[]).fails(1, "secret no: not found");
    let agent = context(&host, "agent", "FROM busybox\nRUN --mount=type=ssh,required=true true\n", &[]);
    buildx(&host, &agent, &[]).fails(1, "no SSH key \"default\" forwarded");
    assert!(!built.stderr.contains(secret) && !host.log().contains(secret), "the secret was told");
    let found = host.run(&["grep", "-rlaF", secret, &host.data_root().display().to_string()]);
    assert_eq!(found.stdout.trim(), "", "the secret was written down");
    let private = host.run(&[
        "sh",
        "-c",
        "find / -xdev -path '*/build/*' -name secret -o -xdev -path '*/build/*' -name agent",
    ]);
    assert_eq!(private.stdout.trim(), "");
}

#[test]
fn results_go_where_they_are_wanted() {
    if sampan_only() {
        return;
    }
    let host = host();
    let folder = context(
        &host,
        "out",
        "FROM scratch\nCOPY --chmod=4755 a /bin/a\nCOPY link b /d/\nCMD [\"/bin/a\"]\n",
        &[("a", "program"), ("b", "text")],
    );
    std::os::unix::fs::symlink("b", folder.join("link")).expect("a link");
    let at = |name: &str| host.folder().join(name).display().to_string();
    buildx(&host, &folder, &["-o", &at("tree")]).ok();
    let listed =
        host.run(&["sh", "-c", "cd \"$1\" && find . -printf '%p %m %l\\n' | sort", "sh", &at("tree")]);
    assert_eq!(listed.ok(), ". 700 \n./bin 755 \n./bin/a 4755 \n./d 755 \n./d/b 644 \n./d/link 644 ");
    buildx(&host, &folder, &["-o", &format!("type=tar,dest={}", at("files.tar"))]).ok();
    assert!(host.run(&["tar", "-tf", &at("files.tar")]).ok().contains("bin/a"));
    buildx(&host, &folder, &["-t", "archived", "-o", &format!("type=docker,dest={}", at("docker.tar"))]).ok();
    host.docker(&["rmi", "archived"]).ok();
    assert!(host.docker(&["load", "-i", &at("docker.tar")]).ok().contains("archived:latest"));
    buildx(&host, &folder, &["-t", "laid:1", "-o", &format!("type=oci,dest={}", at("oci.tar"))]).ok();
    let place = format!("oci-archive:{}", at("oci.tar"));
    assert!(host.run(&["skopeo", "inspect", &place]).ok().contains("\"Layers\""));
    let registry = Registry::start(&host, "plain", 5000, &Guard::default());
    let name = format!("{}/team/built:1", registry.address());
    buildx(&host, &folder, &["--push", "-t", &name]).ok();
    let place = format!("docker://{name}");
    assert!(host.run(&["skopeo", "inspect", "--tls-verify=false", &place]).ok().contains("\"Layers\""));
}

/// Contexts from standard input, an archive or a repository on a server.
#[test]
fn contexts_come_from_everywhere() {
    if sampan_only() {
        return;
    }
    let host = host();
    let folder = context(&host, "web/app", "FROM busybox\nCOPY v /v\n", &[("v", "one\n")]);
    let script = r#"cd "$1/web" && tar -czf app.tar.gz -C app . && printf 'FROM busybox\nRUN echo alone >/v\n' >Plain && git init -q -b main repo &&
        cp -r app repo/ && cd repo && git add . && git -c user.name=n -c user.email=e commit -qm one && git branch first &&
        echo two >app/v && git -c user.name=n -c user.email=e commit -qam two && cd .. && git clone -q --bare repo repo.git &&
        git -C repo.git update-server-info"#;
    host.shell(script, &[&host.folder().display().to_string()]).ok();
    let web = host.folder().join("web").display().to_string();
    let mut server = host.start(&["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1", "-d", &web]);
    sampan_tests::until("the server answers", || {
        host.curl(&["-sf", "http://127.0.0.1:8000/Plain"]).code == 0
    });
    let piped = |script: &str| host.with_client(&["sh", "-c", script, "sh", &folder.display().to_string()]);
    let value = |name: &str| in_image(&host, name, "cat /v");
    piped("tar -c -C \"$1\" . | docker buildx build -t tarred -").ok();
    assert_eq!(value("tarred"), "one");
    piped("printf 'FROM busybox\\nRUN echo piped >/v\\n' | docker buildx build -t piped -").ok();
    assert_eq!(value("piped"), "piped");
    piped(
        "printf 'FROM busybox\\nCOPY v /v\\nRUN echo more >>/v' | docker buildx build -t stdin -f - \"$1\"",
    )
    .ok();
    assert_eq!(value("stdin"), "one\nmore");
    for (address, expected) in
        [("app.tar.gz", "one"), ("repo.git#:app", "two"), ("repo.git#first:app", "one")]
    {
        let address = format!("http://127.0.0.1:8000/{address}");
        host.docker(&["buildx", "build", "-t", "remote", &address]).ok();
        assert_eq!(value("remote"), expected, "{address}");
        host.docker(&["rmi", "remote"]).ok();
        let query: String = form_urlencoded(&address);
        let answer = host.api("POST", &format!("/build?t=remote&remote={query}"), None);
        assert!(answer.body.contains("Successfully built"), "{}", answer.body);
        assert_eq!(value("remote"), expected, "{address}");
    }
    let digest = host.run(&["sh", "-c", "sha256sum <\"$1/Plain\" | cut -c1-64", "sh", &web]).ok().to_owned();
    let dockerfile = format!(
        "FROM busybox\nADD --checksum=sha256:{digest} http://127.0.0.1:8000/Plain /p/\nADD http://127.0.0.1:8000/app.tar.gz http://127.0.0.1:8000/repo.git#first:app /r/\n\
         ADD --unpack=true http://127.0.0.1:8000/app.tar.gz /u\nADD --keep-git-dir=true http://127.0.0.1:8000/repo.git /g\n"
    );
    let added = context(&host, "added", &dockerfile, &[]);
    buildx(&host, &added, &["-t", "added"]).ok();
    let script = "stat -c %a /p/Plain; cat /r/v /u/v; test -s /r/app.tar.gz && test -d /g/.git && echo all";
    assert_eq!(in_image(&host, "added", script), "600\none\none\nall");
    assert_eq!(buildx(&host, &added, &["-t", "added"]).stderr.matches("CACHED").count(), 4);
    let other = context(&host, "other", &dockerfile.replace(&digest, &"0".repeat(64)), &[]);
    buildx(&host, &other, &[]).fails(1, "digest mismatch");
    let answer = host.api("POST", "/build?t=alone&remote=http%3A%2F%2F127.0.0.1%3A8000%2FPlain", None);
    assert!(answer.body.contains("Successfully built"), "{}", answer.body);
    assert_eq!(value("alone"), "alone");
    for bad in [
        "http://127.0.0.1:8000/repo.git#first:nowhere",
        "http://127.0.0.1:8000/repo.git#--upload-pack=x",
        "http://127.0.0.1:8000/none",
    ] {
        host.docker(&["buildx", "build", bad]).fails(1, "failed to");
    }
    let _ = server.child().kill();
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A program that writes without end fills nobody's memory: what is kept is cut off, and who does not read makes it wait.
#[test]
fn output_without_end_is_bounded() {
    if sampan_only() {
        return;
    }
    let host = host();
    let folder = context(
        &host,
        "loud",
        "FROM busybox\nRUN yes 0123456789012345678901234567890123456789 | head -c 300000000; echo over >/over\n",
        &[],
    );
    let memory = |host: &Host| {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", host.daemon_pid())).expect("a process");
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a number").trim().to_owned();
        line.split(' ').next().and_then(|number| number.parse::<u64>().ok()).expect("a number")
    };
    let before = memory(&host);
    let built = buildx(&host, &folder, &["-t", "loud"]);
    assert!(
        built.ok().is_empty() && built.stderr.contains("log limit 2 MiB reached"),
        "too much or too little was shown"
    );
    assert_eq!(in_image(&host, "loud", "cat /over"), "over");
    // A client of the older protocol that never reads: the program waits, and the daemon does not grow.
    let mut socket = UnixStream::connect(host.socket()).expect("the daemon");
    let tar = host.folder().join("loud.tar");
    host.run(&["tar", "-C", &folder.display().to_string(), "-cf", &tar.display().to_string(), "."]).ok();
    let body = std::fs::read(&tar).expect("an archive");
    let head = format!(
        "POST /build?nocache=1 HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).expect("written");
    socket.write_all(&body).expect("written");
    sampan_tests::until("the step runs", || !host.docker(&["ps", "-q"]).ok().is_empty());
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(!host.docker(&["ps", "-q"]).ok().is_empty(), "the program did not wait");
    drop(socket);
    sampan_tests::until("the step is gone", || host.docker(&["ps", "-aq"]).ok().is_empty());
    let grown = memory(&host) - before;
    assert!(grown < 150_000, "the daemon grew by {grown} kB");
}

/// What should be written otherwise is said, and does not hinder unless it is asked for.
#[test]
fn dockerfiles_are_checked() {
    if sampan_only() {
        return;
    }
    let host = host();
    let folder = context(&host, "lint", "FROM busybox AS Base\nENV a b\nCMD ls\n", &[]);
    let built = buildx(&host, &folder, &["-t", "lint"]);
    built.ok();
    for rule in ["StageNameCasing", "LegacyKeyValueFormat", "JSONArgsRecommended"] {
        assert!(built.stderr.contains(rule), "{rule} is missing: {built}");
    }
    let path = folder.display().to_string();
    host.sampan(&["build", "--check", &path]).fails(1, "");
    let checked = host.sampan(&["build", "--check", &path]);
    assert!(
        checked.stdout.contains("3 warnings have been found!")
            && checked.stdout.contains("stage-name-casing"),
        "{checked}"
    );
    let strict = context(&host, "strict", "# check=error=true\nFROM busybox AS Base\n", &[]);
    buildx(&host, &strict, &[]).fails(1, "lint violation found for rules: StageNameCasing");
    let good = context(&host, "good", "# check=skip=StageNameCasing\nFROM busybox AS Base\n", &[])
        .display()
        .to_string();
    assert_eq!(host.sampan(&["build", "--check", &good]).ok(), "Check complete, no warnings found.");
}

/// Several targets at once, one standing on another.
#[test]
fn bake_and_compose_build() {
    if sampan_only() {
        return;
    }
    let host = host();
    let folder = context(
        &host,
        "bake",
        "FROM busybox AS lib\nRUN echo lib >/lib\n",
        &[
            ("app/Dockerfile", "FROM lib\nCOPY --from=src f /f\nARG N\nRUN echo app$N >/app\n"),
            ("src/f", "file"),
            (
                "docker-bake.hcl",
                "group \"default\" { targets = [\"lib\", \"app\"] }\n\
            target \"lib\" {\n  context = \".\"\n  tags = [\"lib-image\"]\n}\n\
            target \"app\" {\n  context = \"app\"\n  contexts = { lib = \"target:lib\", src = \"src\" }\n  args = { N = \"7\" }\n  tags = [\"app-image\"]\n}\n",
            ),
        ],
    );
    let script = "cd \"$1\" && docker buildx bake --progress=plain";
    host.with_client(&["sh", "-c", script, "sh", &folder.display().to_string()]).ok();
    assert_eq!(in_image(&host, "app-image", "cat /lib /f /app"), "lib\nfileapp7");
    let project = Project::new(&host, Generation::Two, "shop");
    project.write(
        "compose.yaml",
        "services:\n  web:\n    build:\n      context: ./site\n      args: {N: '1'}\n      secrets: [token]\n    command: cat /n\n\
         \x20 other:\n    build: {context: ./site, target: first}\n    image: other:1\nsecrets:\n  token: {file: ./token}\n",
    );
    project.write("token", "t0ken");
    let site = "FROM busybox AS first\nRUN --mount=type=secret,id=token true\nFROM first\nARG N\nRUN --mount=type=secret,id=token test -s /run/secrets/token && echo $N >/n\n";
    context(&host, "shop/site", site, &[]);
    project.run(&["build"]).ok();
    assert_eq!(project.run(&["run", "--rm", "web"]).ok(), "1");
    project.run(&["up", "--build", "-d", "web"]).ok();
    host.docker(&["image", "inspect", "other:1"]).ok();
    project.run(&["down", "-t", "0"]).ok();
}

#[test]
fn what_goes_wrong_is_told_as_buildkit_does() {
    if sampan_only() {
        return;
    }
    let host = host();
    for (dockerfile, words, said) in [
        (
            "FROM busybox\nRUN echo before && exit 7\n",
            &[][..],
            "process \"/bin/sh -c echo before && exit 7\" did not complete successfully: exit code: 7",
        ),
        ("FROM busybox\nFROMM x\n", &[], "dockerfile parse error on line 2"),
        ("FROM busybox\nCOPY missing /\n", &[], "\"missing\": not found"),
        ("FROM busybox\n", &["--target", "none"], "target stage \"none\" could not be found"),
        ("FROM busybox\n", &["--platform", "linux/amd64,linux/arm64"], "several platforms"),
        ("FROM busybox\n", &["--network", "what"], "network mode \"what\" not supported"),
        ("FROM busybox\n", &["-f", "Nofile"], "Nofile"),
        ("FROM nowhere.invalid/x\n", &[], "nowhere.invalid"),
    ] {
        let folder = context(&host, "wrong", dockerfile, &[]);
        buildx(&host, &folder, words).fails(1, said);
    }
    let failed =
        buildx(&host, &context(&host, "wrong", "FROM busybox\nRUN echo before && exit 7\n", &[]), &[]);
    assert!(failed.stderr.contains("2 | RUN echo before") && failed.stderr.contains(" before\n"), "{failed}");
    // A client that leaves takes its build with it.
    let folder = context(&host, "slow", "FROM busybox\nRUN sleep 600\n", &[]).display().to_string();
    let mut building = host.client_running(&["docker", "buildx", "build", &folder]);
    sampan_tests::until("the step runs", || !host.docker(&["ps", "-aq"]).ok().is_empty());
    let _ = building.child().kill();
    drop(building);
    sampan_tests::until("the step is gone", || host.docker(&["ps", "-aq"]).ok().is_empty());
    // No session, no upgrade, rubbish.
    assert_eq!(host.api("POST", "/session", None).status, 400);
    assert_eq!(host.api("POST", "/grpc", None).status, 400);
    for path in ["grpc", "session"] {
        let mut socket = UnixStream::connect(host.socket()).expect("the daemon");
        let request = format!(
            "POST /{path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: u\r\n\r\nrubbish\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("written");
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    }
    host.docker(&["version"]).ok();
}

#[test]
fn the_cache_is_shown_and_pruned() {
    if sampan_only() {
        return;
    }
    let host = host();
    let folder = context(
        &host,
        "prune",
        "FROM busybox\nRUN head -c 3000000 /dev/urandom >/big\nRUN echo 1 >/small\n",
        &[],
    );
    buildx(&host, &folder, &["-t", "kept"]).ok();
    let used = host.docker(&["buildx", "du", "--verbose"]);
    assert!(used.ok().contains("RUN") && used.stdout.contains("3MB"), "{used}");
    assert!(host.docker(&["system", "df"]).ok().contains("Build Cache"));
    let count =
        |host: &Host| host.docker(&["system", "df", "--format", "{{.Type}} {{.TotalCount}}"]).ok().to_owned();
    assert!(count(&host).contains("Build Cache 3"), "{}", count(&host));
    // What was not used for an hour: nothing.
    host.docker(&["builder", "prune", "-f", "--filter", "until=1h"]).ok();
    assert!(count(&host).contains("Build Cache 3"));
    host.docker(&["rmi", "kept"]).ok();
    let layers =
        |host: &Host| host.docker(&["system", "df", "--format", "{{.Type}} {{.Size}}"]).ok().to_owned();
    assert!(layers(&host).contains("Build Cache 3MB"), "the cache outlives the image: {}", layers(&host));
    let pruned = host.docker(&["builder", "prune", "-f"]);
    assert!(pruned.ok().contains("3MB"), "{pruned}");
    assert!(count(&host).contains("Build Cache 0"));
    let big = host.run(&["find", &host.data_root().display().to_string(), "-name", "big"]);
    assert_eq!(big.ok(), "", "the layer is gone from the disk");
    assert_eq!(
        host.api("POST", "/build/prune?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D", None).status,
        400
    );
}
