//! Containers that move to another engine and back, while clients ask them.

use sampan_tests::{BUSYBOX, Campaign, Host, Options, Running, SERVICES, repository, sampan_only, until};
use std::process::Command;

const TRAFFIC: &str = env!("CARGO_BIN_EXE_sampan-test-traffic");
/// The host's address on the wire between both, and the other one's.
const WIRE: [&str; 2] = ["10.77.0.1", "10.77.0.2"];

/// Lays a wire between two hosts.
fn wire(host: &Host, edge: &Host) {
    let nsenter = |host: &Host, words: &[&str]| {
        let target = host.first_process().to_string();
        let status = Command::new("nsenter").args(["--target", &target, "--net", "ip"]).args(words).status();
        assert!(status.expect("nsenter starts").success(), "{words:?}");
    };
    let far = edge.first_process().to_string();
    nsenter(host, &["link", "add", "to-edge", "type", "veth", "peer", "name", "to-host", "netns", &far]);
    for (host, link, address) in [(host, "to-edge", WIRE[0]), (edge, "to-host", WIRE[1])] {
        nsenter(host, &["addr", "add", &format!("{address}/30"), "dev", link]);
        nsenter(host, &["link", "set", link, "up"]);
    }
    // A dockerd whose /proc/sys is not its own leaves that to others.
    let target = edge.first_process().to_string();
    let forward = "echo 1 >/proc/sys/net/ipv4/ip_forward";
    let status = Command::new("nsenter").args(["--target", &target, "--net", "sh", "-c", forward]).status();
    assert!(status.expect("nsenter starts").success());
}

/// A host that has the engine at this socket as its target `edge`.
fn host_with(edge: &Host, socket: &str) -> Host {
    let host = Host::new();
    host.import(BUSYBOX);
    wire(&host, edge);
    let endpoint = format!("unix://{socket}");
    let address = format!("address={}", WIRE[1]);
    host.sampan(&[
        "target",
        "create",
        "edge",
        "--provider",
        "docker",
        "--endpoint",
        &endpoint,
        "--option",
        &address,
    ])
    .ok();
    host
}

/// A host with a real dockerd and nothing else, and its socket.
fn dockerd() -> (Host, Running, String) {
    let edge = Host::with(Options { without_daemon: true, ..Options::default() });
    let folder = edge.folder().join("dockerd");
    let script = repository().join("tests/lab/dockerd.sh").display().to_string();
    let log = folder.with_extension("log");
    let run = format!("exec {script} run {} >{} 2>&1", folder.display(), log.display());
    let mut dockerd = edge.start(&["sh", "-c", &run]);
    let socket = folder.join("docker.sock").display().to_string();
    until("the real dockerd", || {
        assert!(dockerd.is_running(), "{}", std::fs::read_to_string(&log).unwrap_or_default());
        edge.run(&["docker", "-H", &format!("unix://{socket}"), "version"]).code == 0
    });
    (edge, dockerd, socket)
}

/// Builds an image of the server that counts.
fn server(host: &Host) {
    let folder = host.folder().join("server");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::copy(TRAFFIC, folder.join("traffic")).expect("copied");
    let text =
        "FROM busybox\nCOPY traffic /traffic\nENV VERSION=one\nCMD [\"/traffic\", \"serve\", \"80\"]\n";
    std::fs::write(folder.join("Dockerfile"), text).expect("written");
    host.docker(&["build", "-q", "-t", "server", &folder.display().to_string()]).ok();
}

#[test]
fn a_container_without_volumes_moves_under_load_and_nobody_notices() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let host = host_with(&edge, &edge.socket().display().to_string());
    server(&host);
    host.docker(&["run", "-d", "--name", "web", "-p", "80:80", "server"]).ok();
    until("it answers", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    let load = host.start(&[TRAFFIC, "load", "127.0.0.1:80", "500", "25"]);
    let moved = host.sampan(&["container", "move", "web", "edge"]);
    assert!(moved.ok() == "web@edge" && moved.stderr.contains("downtime: none"), "{moved}");
    assert_eq!(edge.docker(&["ps", "--format", "{{.Names}}"]).ok(), "web");
    assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).ok(), "web.relay");
    let back = host.sampan(&["container", "move", "web", "local"]);
    assert!(back.ok() == "web", "{back}");
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "");
    assert_eq!(
        host.docker(&["ps", "-a", "--format", "{{.Names}} {{.Ports}}"]).ok(),
        "web 0.0.0.0:80->80/tcp, [::]:80->80/tcp"
    );
    let counted = load.finish();
    println!("{counted}");
    assert!(counted.ok().contains("\"failed\": 0,"), "{counted}");
}

#[test]
fn a_plain_name_means_where_it_went() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let mut host = host_with(&edge, &edge.socket().display().to_string());
    let serve = "mkdir -p /www; echo page >/www/index.html; echo begun; exec httpd -f -p 80 -h /www";
    host.docker(&["run", "-d", "--name", "web", "-p", "80:80", "busybox", "sh", "-c", serve]).ok();
    host.sampan(&["container", "move", "web", "edge"]).ok();
    let logs = host.sampan(&["logs", "web"]);
    assert!(logs.ok() == "begun" && logs.stderr.contains("web lives at edge"), "{logs}");
    assert!(host.sampan(&["stats", "--no-stream", "web"]).ok().contains("web@edge"));
    let looked = host.sampan(&["inspect", "web"]);
    assert!(
        looked.ok().contains("\"Target\": \"edge\"") && looked.stderr.contains("web lives at edge"),
        "{looked}"
    );
    let again = host.sampan(&["container", "move", "web", "edge"]);
    assert!(again.code != 0 && again.stderr.contains("web lives at edge already"), "{again}");
    host.docker(&["create", "--name", "web", "busybox"]).ok();
    let another = host.sampan(&["container", "move", "web", "local"]);
    assert!(another.code != 0 && another.stderr.contains("another container of that name"), "{another}");
    host.docker(&["rm", "web"]).ok();
    // What comes here is passed on, also after the daemon was killed.
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.kill_daemon();
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.start_daemon();
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.docker(&["restart", "web.relay"]).ok();
    until("it is passed on again", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    host.sampan(&["stop", "web"]).ok();
    assert_eq!(edge.docker(&["ps", "-q"]).ok(), "");
    host.sampan(&["start", "web"]).ok();
    until("it answers again", || host.curl(&["-sf", "http://127.0.0.1/"]).stdout == "page\n");
    // Without its relay it comes home all the same, and has its port.
    host.docker(&["rm", "-f", "web.relay"]).ok();
    host.sampan(&["container", "move", "web", "local"]).ok();
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.sampan(&["container", "move", "web", "edge"]).ok();
    host.sampan(&["rm", "web"]).ok();
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "");
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "", "the relay goes with it");
    let gone = host.sampan(&["logs", "web"]);
    assert!(gone.code != 0 && gone.stderr.contains("No such container: web"), "{gone}");
}

#[test]
fn volumes_go_along_to_a_real_dockerd_and_back() {
    if sampan_only() {
        return;
    }
    let (edge, _dockerd, socket) = dockerd();
    let remote = format!("unix://{socket}");
    let host = host_with(&edge, &socket);
    let write = "mkdir -p /www; i=0; while :; do i=$((i+1)); echo $i >>/data/lines; cp /data/lines /www/index.html; sleep 0.05; done & exec httpd -f -p 80 -h /www";
    host.docker(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "80:80",
        "-v",
        "data:/data",
        "--stop-timeout",
        "1",
        "busybox",
        "sh",
        "-c",
        write,
    ])
    .ok();
    host.docker(&[
        "exec",
        "web",
        "sh",
        "-c",
        "ln -s lines /data/link; chown 7:8 /data/lines; mkfifo /data/pipe",
    ])
    .ok();
    until("it answers", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    let plan = host.sampan(&["container", "move", "--dry-run", "--image-only", "web", "edge"]);
    assert!(
        plan.ok().contains("bring what is in data over") && plan.ok().contains("make the container web"),
        "{plan}"
    );
    let moved = host.sampan(&["container", "move", "--image-only", "web", "edge"]);
    assert!(moved.ok() == "web@edge" && moved.stderr.contains("in which connections waited"), "{moved}");
    let looked = edge.run(&[
        "docker",
        "-H",
        &remote,
        "exec",
        "web",
        "sh",
        "-c",
        "stat -c '%F %u:%g' /data/lines /data/pipe; readlink /data/link; head -1 /data/lines",
    ]);
    assert_eq!(looked.ok(), "regular file 7:8\nfifo 0:0\nlines\n1");
    until("it is passed on", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    let back = host.sampan(&["container", "move", "web", "local"]);
    assert!(back.ok() == "web", "{back}");
    until("it answers here", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    assert_eq!(edge.run(&["docker", "-H", &remote, "ps", "-aq"]).ok(), "");
    assert_eq!(edge.run(&["docker", "-H", &remote, "volume", "ls", "-q"]).ok(), "");
    assert_eq!(host.docker(&["exec", "web", "head", "-1", "/data/lines"]).ok(), "1");
    assert_eq!(host.docker(&["volume", "ls", "-q"]).ok(), "data");
}

/// Where one is that must never run twice, and must be somewhere.
fn alive(host: &Host, edge: &Host) -> (bool, bool) {
    let runs = |host: &Host| !host.docker(&["ps", "-q", "--filter", "name=^web$"]).ok().is_empty();
    let (here, there) = (runs(host), runs(edge));
    // It may have gone there between the two questions.
    (here && (!there || runs(host)), there)
}

/// The daemon is killed at a moment of a move, again and again at others; the next one finishes or takes back, and at no
/// moment do two write.
#[test]
fn a_move_that_is_killed_anywhere_ends_at_one_side() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let mut host = host_with(&edge, &edge.socket().display().to_string());
    let write = "i=$(wc -l </data/lines 2>/dev/null || echo 0); while :; do i=$((i+1)); echo $i $(hostname) >>/data/lines; sleep 0.01; done & exec httpd -f -p 80 -h /data";
    let start = ["run", "-d", "--name", "web", "-p", "80:80", "-v", "data:/data", "--stop-timeout", "1"];
    let health = ["--health-cmd", "test -s /data/lines", "--health-interval", "300ms"];
    host.docker(&[&start[..], &health[..], &["busybox", "sh", "-c", write][..]].concat()).ok();
    until("it answers", || host.curl(&["-sf", "http://127.0.0.1/lines"]).code == 0);
    let campaign = Campaign::new("kill -9 of the daemon within a move of a container with a volume", 8, 60);
    let (mut at_edge, mut arrived) = (false, 0);
    for round in 0..campaign.rounds {
        let target = if at_edge { "local" } else { "edge" };
        let mut moving = host.sampan_running(&["container", "move", "--image-only", "web", target]);
        // A move takes about two seconds and a half here: the rounds spread over it.
        std::thread::sleep(std::time::Duration::from_millis(round as u64 * 337 % 2600 + 37));
        let was_running = moving.is_running();
        host.kill_daemon();
        let said = if was_running { String::new() } else { moving.finish().to_string() };
        let (here, there) = alive_without_daemon(&host, &edge);
        assert!(!(here && there), "round {round}: it runs at both sides");
        host.start_daemon();
        until("the move is over", || {
            let (here, there) = alive(&host, &edge);
            assert!(!(here && there), "round {round}: it runs at both sides");
            let pending = host.docker(&["ps", "-aq", "--filter", "name=web.seed"]).ok().to_owned();
            (here != there) && pending.is_empty() && settled(&host)
        });
        at_edge = alive(&host, &edge).1;
        until("it answers here, wherever it is", || host.curl(&["-sf", "http://127.0.0.1/lines"]).code == 0);
        let lines = host.curl(&["-sf", "http://127.0.0.1/lines"]).stdout;
        check(&lines, round);
        println!(
            "{said}round {round}: killed at {}, runs {}",
            if was_running { "work" } else { "the end" },
            if at_edge { "there" } else { "here" }
        );
        arrived += usize::from(at_edge != (target == "local"));
    }
    campaign.done(&format!("{arrived} arrived, the others were taken back; no line lost, never two at once"));
}

/// Nothing of a move is pending.
fn settled(host: &Host) -> bool {
    let moved = host.api("GET", "/sampan/moved", None).json();
    let here = !host.docker(&["ps", "-q", "--filter", "name=^web$"]).ok().is_empty();
    let relays = host.docker(&["ps", "-aq", "--filter", "name=web.relay"]).ok().lines().count();
    if here { moved == serde_json::json!([]) && relays == 0 } else { relays == 1 }
}

fn alive_without_daemon(host: &Host, edge: &Host) -> (bool, bool) {
    // The programs themselves, whatever a daemon says of them.
    let runs = |host: &Host| host.processes().iter().any(|(_, name)| name == "httpd");
    (runs(host), runs(edge))
}

/// Every line is one more than the one before: nothing that was written is lost, and nobody wrote beside.
fn check(lines: &str, round: usize) {
    let mut last = 0;
    for line in lines.lines() {
        let number: u64 = line
            .split(' ')
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("round {round}: {line:?}"));
        assert_eq!(number, last + 1, "round {round}");
        last = number;
    }
}

/// A query to the database, by the way that clients take: this host's port.
fn query(host: &Host, sql: &str) -> String {
    let words = ["exec", "client", "psql", "-h", "172.17.0.1", "-U", "postgres", "-Atc", sql];
    let answer = host.docker(&words);
    assert_eq!(answer.code, 0, "{answer}");
    answer.stdout.trim().to_owned()
}

/// What a move says of its last round and of its downtime: bytes and milliseconds.
fn figures(said: &str) -> (u64, u64) {
    let number = |before: &str, after: &str| {
        let rest = said.split(before).nth(1).unwrap_or_else(|| panic!("{said}"));
        rest.split(after).next().and_then(|word| word.trim().parse().ok()).unwrap_or_else(|| panic!("{said}"))
    };
    let last = said.split("last round: ").nth(1).unwrap_or_else(|| panic!("{said}"));
    let sent = last.split("changed, ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    (sent.unwrap_or_else(|| panic!("{said}")), number("downtime: ", " ms"))
}

/// PostgreSQL under reads and writes goes to a real dockerd and back, three times with more and more in it.
#[test]
fn a_database_moves_and_no_committed_row_is_lost() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("moves of PostgreSQL between two engines under reads and writes", 60, 1000);
    let (edge, _dockerd, socket) = dockerd();
    let host = host_with(&edge, &socket);
    host.import(SERVICES);
    let start = "set -e; cd /var/lib/postgresql; B=/usr/lib/postgresql/15/bin; chown postgres data; [ -s data/PG_VERSION ] || \
        { su postgres -c \"$B/initdb -D data -A trust -U postgres >/dev/null\"; echo 'host all all all trust' >>data/pg_hba.conf; }; \
        exec su postgres -c \"exec $B/postgres -D data -c listen_addresses='*'\"";
    let health =
        ["--health-cmd", "psql -h 127.0.0.1 -U postgres -c 'select 1'", "--health-interval", "300ms"];
    let words = [
        "run",
        "-d",
        "--name",
        "db",
        "-p",
        "5432:5432",
        "-v",
        "pg:/var/lib/postgresql/data",
        "--stop-signal",
        "SIGINT",
    ];
    host.docker(&[&words[..], &health[..], &["services", "sh", "-c", start][..]].concat()).ok();
    let write = "i=0; while :; do i=$((i+1)); until psql -q -h 172.17.0.1 -U postgres -c \"insert into rows values ($i) on conflict do nothing\" \
        && psql -q -At -h 172.17.0.1 -U postgres -c 'select max(i) from rows' >/dev/null; do sleep 0.05; done; echo $i; done";
    until("the database answers", || {
        host.docker(&[
            "exec",
            "db",
            "psql",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-c",
            "create table if not exists rows (i int primary key)",
        ])
        .code
            == 0
    });
    host.docker(&["run", "-d", "--name", "client", "services", "sh", "-c", write]).ok();
    let mut table = Vec::new();
    let largest = campaign.rounds as u64;
    for (number, megabytes) in [largest / 16, largest / 4, largest].into_iter().enumerate() {
        let fill = format!(
            "create table big{number} as select i, repeat(md5(i::text), 30) from generate_series(1, {}) i",
            megabytes * 1000
        );
        query(&host, &fill);
        query(&host, "checkpoint");
        let size: u64 = query(&host, "select pg_database_size('postgres')").parse().expect("a number");
        for target in ["edge", "local"] {
            let begun = std::time::Instant::now();
            let moved = host.sampan(&["container", "move", "--image-only", "db", target]);
            assert_eq!(moved.code, 0, "{moved}");
            println!("{:?}", begun.elapsed());
            let (sent, downtime) = figures(&moved.stderr);
            println!("{size:>12} bytes to {target:5}: {sent:>10} bytes in the last round, {downtime:>5} ms");
            table.push((size, sent, downtime));
            assert!(sent < 24 << 20, "the last round carries what changed, not what is there: {moved}");
        }
    }
    let committed: Vec<u64> =
        host.docker(&["logs", "client"]).stdout.lines().filter_map(|line| line.parse().ok()).collect();
    let last = committed.last().copied().expect("rows were written");
    let there = query(&host, &format!("select count(*) from rows where i <= {last}"));
    assert_eq!(there, last.to_string(), "no committed row is lost");
    for number in 0..3 {
        query(&host, &format!("select count(*), md5(string_agg(repeat, '')) from big{number}"));
    }
    let row = |(size, sent, downtime): &(u64, u64, u64)| {
        format!("{} MB: {} kB, {downtime} ms", size / 1_000_000, sent / 1000)
    };
    campaign.done(&format!(
        "{last} rows, none lost; size: last round, downtime: {}",
        table.iter().map(row).collect::<Vec<_>>().join("; ")
    ));
}

/// The engine at the other side is killed within a move: what can be taken back is, and the next move finishes.
#[test]
fn a_move_whose_target_goes_away_is_taken_back_or_finished_by_the_next() {
    if sampan_only() {
        return;
    }
    let mut edge = Host::new();
    let host = host_with(&edge, &edge.socket().display().to_string());
    let write = "i=$(wc -l </data/lines 2>/dev/null || echo 0); while :; do i=$((i+1)); echo $i >>/data/lines; sleep 0.01; done & exec httpd -f -p 80 -h /data";
    let start = ["run", "-d", "--name", "web", "-p", "80:80", "-v", "data:/data", "--stop-timeout", "1"];
    let health = ["--health-cmd", "test -s /data/lines", "--health-interval", "300ms"];
    host.docker(&[&start[..], &health[..], &["busybox", "sh", "-c", write][..]].concat()).ok();
    let lines = || host.curl(&["-sf", "http://127.0.0.1/lines"]);
    until("it answers", || lines().code == 0);
    let campaign =
        Campaign::new("kill -9 of the other engine within a move of a container with a volume", 6, 40);
    let mut refused = 0;
    for round in 0..campaign.rounds {
        let moving = host.sampan_running(&["container", "move", "--image-only", "web", "edge"]);
        std::thread::sleep(std::time::Duration::from_millis(round as u64 * 337 % 2200 + 37));
        edge.kill_daemon();
        let outcome = moving.finish();
        refused += usize::from(outcome.code != 0);
        let (here, there) = alive_without_daemon(&host, &edge);
        assert!(!(here && there), "round {round}: it runs at both sides: {outcome}");
        edge.start_daemon();
        until("it is there", || {
            let again = host.sampan(&["container", "move", "--image-only", "web", "edge"]);
            again.code == 0 || again.stderr.contains("lives at edge already")
        });
        assert_eq!(alive(&host, &edge), (false, true), "round {round}");
        check(&lines().stdout, round);
        let back = host.sampan(&["container", "move", "web", "local"]);
        assert_eq!(back.code, 0, "{back}");
        check(&lines().stdout, round);
    }
    campaign.done(&format!(
        "{refused} were refused at first, all were finished by the next; no line lost, never two at once"
    ));
}

#[test]
fn a_users_own_target_is_tried_with_the_suite() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let host = host_with(&edge, &edge.socket().display().to_string());
    let tried = host.sampan(&["target", "check", "--live", "--force", "edge"]);
    assert!(tried.ok() == "edge" && tried.stderr.contains("it does everything as it should"), "{tried}");
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "", "nothing is left");
    // Nothing is made for who says no; what cannot be done ends with its reason.
    let sampan = sampan_tests::sampan_binary().display().to_string();
    let socket = format!("unix://{}", host.socket().display());
    let asked = host.shell("echo n | \"$1\" -H \"$2\" target check --live edge", &[&sampan, &socket]);
    assert!(asked.ok().contains("Are you sure") && !asked.stdout.ends_with("edge\n"), "{asked}");
    host.sampan(&["target", "create", "gone", "--provider", "docker", "--endpoint", "unix:///nowhere"]).ok();
    let failed = host.sampan(&["target", "check", "--live", "--force", "gone"]);
    assert!(failed.code == 1 && failed.stderr.contains("/nowhere"), "{failed}");
}
