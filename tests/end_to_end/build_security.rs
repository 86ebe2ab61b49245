//! Attacks by Dockerfiles, contexts and programs of steps: none reaches the host or another build.

use sampan_tests::build::{add_plugins, context, in_image};
use sampan_tests::{Campaign, Host, sampan_only};

fn host() -> Host {
    let host = Host::new();
    add_plugins(&host);
    host
}

fn build(host: &Host, folder: &std::path::Path, words: &[&str]) -> sampan_tests::Outcome {
    let folder = folder.display().to_string();
    host.docker(&[&["buildx", "build", "--progress=plain"], words, &[folder.as_str()]].concat())
}

/// A link that leads to `/` leads to the root of what it lies in, whoever follows it.
#[test]
fn links_never_lead_to_the_host() {
    if sampan_only() {
        return;
    }
    let host = host();
    let dockerfile = "FROM busybox AS evil\nRUN ln -s / /root-link && mkdir /in && ln -s ../../../../.. /in/up && echo stage >/mark\n\
        FROM busybox\n\
        RUN --mount=type=bind,source=link,target=/a ls /a >/context\n\
        RUN --mount=type=bind,source=sub/up,target=/a ls /a >>/context\n\
        RUN --mount=type=bind,from=evil,source=/root-link,target=/a cat /a/mark >/stage\n\
        RUN --mount=type=bind,from=evil,source=/in/up,target=/a cat /a/mark >>/stage\n\
        COPY --from=evil /root-link/mark /in/up/mark /copied/\n\
        COPY sub/up/mine /copied/\n";
    let folder = context(&host, "links", dockerfile, &[("mine", "x"), ("sub/file", "y")]);
    std::os::unix::fs::symlink("/", folder.join("link")).expect("a link");
    std::os::unix::fs::symlink("../../../../..", folder.join("sub/up")).expect("a link");
    build(&host, &folder, &["-t", "links"]).ok();
    assert_eq!(
        in_image(&host, "links", "sort -u /context | tr '\\n' ' '; cat /stage; ls /copied"),
        "Dockerfile link mine sub stage\nstage\nmark\nmine"
    );
    for source in ["../../../etc/passwd", "/../../etc/shadow", "link/etc/shadow"] {
        let dockerfile = format!("FROM busybox\nCOPY {source} /x\n");
        let folder = context(&host, "links", &dockerfile, &[]);
        build(&host, &folder, &[]).fails(1, "not found");
    }
}

/// Mounts of a step are what they say: no option gets through, no id leads out of the cache, no stub is a way out.
#[test]
fn mounts_are_no_way_out() {
    if sampan_only() {
        return;
    }
    let host = host();
    for (flag, said) in [
        ("type=bind,target=/x,bind-propagation=shared", "unexpected key"),
        ("type=bind,target=/x,source=/,rslave", "unexpected key"),
        ("type=volume,target=/x", "unsupported mount type"),
        ("type=bind,source=/etc,target=/x,from=", "not found"),
    ] {
        let folder = context(&host, "flags", &format!("FROM busybox\nRUN --mount={flag} true\n"), &[]);
        build(&host, &folder, &[]).fails(1, said);
    }
    let insecure = context(&host, "insecure", "FROM busybox\nRUN --security=insecure true\n", &[]);
    build(&host, &insecure, &["--allow", "security.insecure"]).fails(1, "is not allowed");
    // Ids are names, not paths.
    let dockerfile = "FROM busybox\nRUN --mount=type=cache,id=../../../../escaped,target=/c echo 1 >/c/x\n\
        RUN --mount=type=cache,id=../../../../escaped,target=/c cat /c/x >/y\n\
        RUN --mount=type=cache,id=escaped,target=/c test ! -e /c/x\n";
    build(&host, &context(&host, "ids", dockerfile, &[]), &["-t", "ids"]).ok();
    assert_eq!(in_image(&host, "ids", "cat /y"), "1");
    let found = host.run(&["find", "/", "-xdev", "-name", "escaped*"]);
    assert_eq!(found.stdout.trim(), "");
    // A program that turns the folders above its mounts into links cannot have anything else removed.
    let dockerfile = "FROM busybox\nRUN mkdir -p /keep/b /keep/empty && touch /keep/b/zero\n\
        RUN --mount=type=tmpfs,target=/a/b/zero --mount=type=tmpfs,target=/a/empty true; mkdir -p /t; ln -s /keep /t/link\n\
        RUN --mount=type=cache,target=/made/b/zero rmdir /made/b 2>/dev/null; mv /keep /moved; ln -s /moved /keep; true\n";
    build(&host, &context(&host, "stubs", dockerfile, &[]), &["-t", "stubs"]).ok();
    assert_eq!(
        in_image(&host, "stubs", "ls /moved /moved/b | tr '\\n' ' '; ls -d /a /made 2>/dev/null; true"),
        "/moved: b empty  /moved/b: zero "
    );
}

/// A step has the capabilities, the filter and the view of a container, and nothing of the host.
#[test]
fn steps_are_confined_as_containers_are() {
    if sampan_only() {
        return;
    }
    let host = host();
    let look = "grep -E 'Cap(Eff|Bnd)|Seccomp:|NoNewPrivs' /proc/self/status; cat /proc/self/mountinfo | awk '{print $5}' | grep -v '^/$' | sort; test -w /proc/sys/kernel/hostname && echo writable; ls /proc/1/root/etc/hostname /dev | head -30";
    let folder = context(&host, "confined", &format!("FROM busybox\nRUN ({look}) >/seen 2>&1; true\n"), &[]);
    build(&host, &folder, &["-t", "confined"]).ok();
    let ran = host.docker(&["run", "--rm", "busybox", "sh", "-c", &format!("({look}) 2>&1; true")]);
    let seen = host.docker(&["run", "--rm", "confined", "cat", "/seen"]);
    assert_eq!(seen.ok(), ran.ok());
}

/// An image that differs only in what it says is another base: steps on one are no outcome for the other.
#[test]
fn the_cache_is_not_poisoned() {
    if sampan_only() {
        return;
    }
    let host = host();
    for (name, change) in [("good", "ENV WHO=good"), ("evil", "ENV WHO=evil")] {
        host.docker(&["create", "--name", "one", "busybox"]).ok();
        host.docker(&["commit", "--change", change, "one", &format!("base:{name}")]).ok();
        host.docker(&["rm", "one"]).ok();
    }
    for (name, user) in [("evil", "1"), ("good", "1"), ("good", "2")] {
        let dockerfile = format!("FROM base:{name}\nUSER {user}\nRUN echo $WHO $(id -u) >/tmp/who\n");
        build(&host, &context(&host, "base", &dockerfile, &[]), &["-t", "who"]).ok();
        assert_eq!(in_image(&host, "who", "cat /tmp/who"), format!("{name} {user}"));
    }
    // A file with the same size and time, and other contents.
    let folder = context(&host, "same", "FROM busybox\nCOPY f /f\n", &[("f", "good")]);
    let touch = |host: &Host| {
        host.run(&["touch", "-d", "2001-01-01", &folder.join("f").display().to_string()]).ok().to_owned()
    };
    touch(&host);
    build(&host, &folder, &["-t", "same"]).ok();
    std::fs::remove_file(folder.join("f")).expect("removed");
    std::fs::write(folder.join("f"), "evil").expect("written");
    touch(&host);
    // By this protocol the client's word counts for what it says of its own files: times and sizes, as with BuildKit.
    let classic =
        ["env", "DOCKER_BUILDKIT=0", "docker", "build", "-t", "same", &folder.display().to_string()]
            .map(str::to_owned);
    host.with_client(&classic.each_ref().map(String::as_str)).ok();
    assert_eq!(in_image(&host, "same", "cat /f"), "evil");
}

/// Stages that go on at the same time share a cache as they declare it: locked, one after the other.
#[test]
fn stages_at_once_do_not_meet_in_a_locked_cache() {
    if sampan_only() {
        return;
    }
    let host = host();
    let step = "RUN --mount=type=cache,target=/c,sharing=locked test ! -e /c/busy && touch /c/busy && sleep 0.3 && rm /c/busy && echo ok";
    let dockerfile = format!(
        "FROM busybox AS a\n{step} >/a\nFROM busybox AS b\n{step} >/b\nFROM busybox AS c\n{step} >/c1\nFROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\nCOPY --from=c /c1 /\n"
    );
    build(&host, &context(&host, "locked", &dockerfile, &[]), &["-t", "locked", "--no-cache"]).ok();
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A call's headers, each as a literal that is not indexed (RFC 7541, section 6.2.2).
fn headers(path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("x-docker-expose-session-uuid", "x"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("short"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// Bytes that are no message, and messages that are wrong, to each call of BuildKit's protocol: an error or the end of the
/// connection, and a daemon that serves the next one.
#[test]
fn hostile_calls_break_nothing() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("hostile calls of BuildKit's protocol", 300, 5000);
    let host = Host::new();
    let calls = [
        "moby.buildkit.v1.Control/Solve",
        "moby.buildkit.v1.Control/Status",
        "moby.buildkit.v1.Control/Info",
        "moby.buildkit.v1.Control/ListWorkers",
        "moby.buildkit.v1.Control/DiskUsage",
        "moby.buildkit.v1.Control/Prune",
        "moby.buildkit.v1.Control/Session",
        "moby.buildkit.v1.Control/ListenBuildHistory",
        "moby.buildkit.v1.frontend.LLBBridge/Solve",
        "moby.buildkit.v1.frontend.LLBBridge/ResolveImageConfig",
        "moby.buildkit.v1.frontend.LLBBridge/ReadFile",
        "moby.buildkit.v1.frontend.LLBBridge/StatFile",
        "moby.buildkit.v1.frontend.LLBBridge/Return",
        "moby.buildkit.v1.frontend.LLBBridge/Ping",
        "grpc.health.v1.Health/Check",
        "no.such.Service/Call",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below.max(1)
    };
    for round in 0..campaign.rounds {
        let mut socket = std::os::unix::net::UnixStream::connect(host.socket()).expect("connected");
        socket.set_read_timeout(Some(std::time::Duration::from_millis(30))).expect("a timeout");
        let path = if round % 5 == 4 { "/session" } else { "/grpc" };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: {round}\r\n\r\n"
        );
        let mut sent = head.into_bytes();
        if round % 7 != 6 {
            sent.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            sent.extend(frame(4, 0, 0, &[]));
        }
        for stream in 0..1 + next(4) as u32 {
            let call = calls[next(calls.len() as u64) as usize];
            let mut body: Vec<u8> = (0..next(200)).map(|_| next(256) as u8).collect();
            if next(2) == 0 {
                // Fields of the right form with wrong contents: text, numbers, messages within messages.
                body.clear();
                for _ in 0..next(12) {
                    let length = next(20);
                    body.push(((1 + next(15)) << 3) as u8 | 2);
                    body.push(length as u8);
                    body.extend((0..length).map(|_| next(256) as u8));
                }
            }
            let claimed = if next(6) == 0 { next(u64::from(u32::MAX)) as u32 } else { body.len() as u32 };
            let message = [&[next(2) as u8][..], &claimed.to_be_bytes(), &body].concat();
            let kind = if next(10) == 0 { next(256) as u8 } else { 1 };
            sent.extend(frame(kind, 4, stream * 2 + 1, &headers(&format!("/{call}"))));
            sent.extend(frame(0, 1, stream * 2 + 1, &message));
        }
        // A daemon that hangs up early is right.
        let _ = std::io::Write::write_all(&mut socket, &sent);
        let mut answer = [0; 4096];
        while matches!(std::io::Read::read(&mut socket, &mut answer), Ok(count) if count > 0) {}
    }
    assert!(!host.log().contains("panicked"), "{}", host.log());
    assert_eq!(host.docker(&["run", "--rm", "hello"]).code, 0);
    campaign.done("no panic, and the next call is served");
}
