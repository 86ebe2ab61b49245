//! Beside others: a real dockerd with its own rules, a second daemon of ours, a host that did not forward.

use sampan_tests::{Host, Options, eventually, get, repository, sampan_binary, sampan_only, until};

/// The rules of others in a form that does not change by itself.
fn foreign_rules(host: &Host) -> String {
    let filter = "iptables-save; ip6tables-save; nft --stateless list ruleset";
    let text = host.shell(&format!("{{ {filter}; }} 2>/dev/null || true"), &[]).stdout;
    let mut own = false;
    let mut kept = Vec::new();
    for line in text.lines() {
        if line.starts_with("table ") {
            own = line.contains("sampan");
        }
        let counters = line.starts_with('#') || line.starts_with(':');
        if !own && !counters {
            kept.push(line.split(" counter packets").next().unwrap_or(line));
        }
    }
    kept.join("\n")
}

/// A web server in the outside world.
fn serve_outside(host: &Host) -> sampan_tests::Running {
    let page = host.folder().join("outside");
    std::fs::create_dir_all(&page).expect("made");
    std::fs::write(page.join("index.html"), "the world\n").expect("written");
    let server = host.start_outside(&[
        "busybox",
        "httpd",
        "-f",
        "-p",
        "192.0.2.1:80",
        "-h",
        &page.display().to_string(),
    ]);
    until("the outside server", || {
        host.run_outside(&["curl", "-s", "http://192.0.2.1/"]).stdout.contains("the world")
    });
    server
}

#[test]
fn beside_a_real_dockerd_and_a_closed_forward_chain() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let docker_folder = host.folder().join("dockerd");
    let script = repository().join("tests/lab/dockerd.sh").display().to_string();
    let log = docker_folder.with_extension("log").display().to_string();
    let run = format!("exec {script} run {} >{log} 2>&1", docker_folder.display());
    let mut dockerd = host.start(&["sh", "-c", &run]);
    let socket = format!("unix://{}/docker.sock", docker_folder.display());
    until("the real dockerd", || {
        assert!(dockerd.is_running(), "{}", std::fs::read_to_string(&log).unwrap_or_default());
        host.run(&["docker", "-H", &socket, "info"]).code == 0
    });
    host.run(&["iptables", "-P", "FORWARD", "DROP"]).ok();
    let tar = sampan_tests::tar_of(sampan_tests::BUSYBOX).display().to_string();
    host.run(&["docker", "-H", &socket, "import", &tar, "busybox"]).ok();
    host.run(&[
        "docker", "-H", &socket, "run", "-d", "-p", "8081:80", "busybox", "httpd", "-f", "-h", "/www",
    ])
    .ok();
    let before = foreign_rules(&host);
    let _server = serve_outside(&host);

    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let fetch = ["sh", "-c", "timeout 10 wget -q -O - http://192.0.2.1/; true"];
    let fetched = host.docker(&[&["run", "--rm", "busybox"], &fetch[..]].concat());
    if fetched.stdout != "the world\n" {
        // Nobody may open another's chain: then one sentence says which rule is missing.
        let told =
            format!("{}{}", host.log(), host.docker(&["info", "--format", "{{json .Warnings}}"]).stdout);
        assert!(told.contains("FORWARD"), "nothing works and nothing is said: {fetched}\n{told}");
    }
    host.docker(&["run", "-d", "-p", "8080:80", "--name", "web", "busybox", "httpd", "-f", "-h", "/www"])
        .ok();
    for (whose, address) in [("ours", "127.0.0.1:8080"), ("theirs", "127.0.0.1:8081")] {
        let address = address.parse().expect("an address");
        let answer = eventually(whose, || host.in_network(|| get(address)).ok());
        assert_eq!(answer.status, 200, "{whose}");
    }
    host.docker(&["rm", "-f", "web"]).ok();
    host.stop_daemon();
    assert_eq!(foreign_rules(&host), before, "the rules of others are as they were");
    host.start_daemon();
    host.stop_daemon();
    host.start_daemon();
    assert_eq!(foreign_rules(&host), before, "the rules of others are as they were");
}

#[test]
fn two_daemons_do_not_notice_each_other() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    let second = host.folder().join("second");
    let socket = format!("unix://{}/docker.sock", second.display());
    std::fs::create_dir(&second).expect("made");
    let program = sampan_binary().display().to_string();
    let data = second.join("data").display().to_string();
    let mut other = host.start(&[&program, "daemon", "--data-root", &data, "-H", &socket]);
    let docker = |words: &[&str]| host.run(&[&["docker", "-H", &socket], words].concat());
    until("the second daemon", || docker(&["info"]).code == 0);
    let tar = sampan_tests::tar_of(sampan_tests::BUSYBOX).display().to_string();
    docker(&["import", &tar, "busybox"]).ok();
    docker(&["run", "-d", "-p", "8081:80", "--name", "web", "busybox", "httpd", "-f", "-h", "/www"]).ok();
    host.docker(&["run", "-d", "-p", "8080:80", "--name", "web", "busybox", "httpd", "-f", "-h", "/www"])
        .ok();
    let answers = |host: &Host, port: u16| host.in_network(|| get(([127, 0, 0, 1], port).into())).is_ok();
    until("both servers listen", || answers(&host, 8080) && answers(&host, 8081));
    host.kill_daemon();
    assert!(answers(&host, 8080) && answers(&host, 8081));
    host.start_daemon();
    assert!(answers(&host, 8080) && answers(&host, 8081));
    host.docker(&["rm", "-f", "web"]).ok();
    assert!(!answers(&host, 8080) && answers(&host, 8081));
    host.stop_daemon();
    let docker = |words: &[&str]| host.run(&[&["docker", "-H", &socket], words].concat());
    assert_eq!(docker(&["ps", "--format", "{{.Names}} {{.Status}}"]).ok().split(' ').next(), Some("web"));
    docker(&["exec", "web", "true"]).ok();
    assert!(other.is_running() && answers(&host, 8081));
}

#[test]
fn a_host_that_did_not_forward_forwards_nothing_foreign() {
    let host = Host::with(Options { without_daemon: true, ..Options::default() });
    // A second network behind this host: without forwarding it cannot reach the outside world.
    let lan = "
        ip link add lan0 type veth peer name lan1
        ip address add 198.51.100.1/24 dev lan0
        ip link set lan0 up
        unshare --net sh -c 'sleep 1000' & echo $! >\"$1\"
        sleep 0.3
        ip link set lan1 netns $!
        nsenter --target $! --net sh -c '
            ip link set lo up; ip address add 198.51.100.2/24 dev lan1; ip link set lan1 up
            ip route add default via 198.51.100.1'
        wait";
    let pid_file = host.folder().join("lan");
    let _lan = host.start(&["sh", "-eu", "-c", lan, "sh", &pid_file.display().to_string()]);
    until("the second network", || pid_file.exists());
    host.run_outside(&["ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.10"]).ok();
    host.shell("echo 0 >/proc/sys/net/ipv4/ip_forward", &[]).ok();
    let mut host = host;
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let _server = serve_outside(&host);
    let fetched = host.docker(&[
        "run",
        "--rm",
        "busybox",
        "timeout",
        "10",
        "wget",
        "-q",
        "-O",
        "-",
        "http://192.0.2.1/",
    ]);
    assert_eq!(fetched.ok(), "the world", "a container reaches the outside");
    let from_lan = "nsenter --target $(cat \"$1\") --net curl -s --max-time 3 http://192.0.2.1/";
    until("the second network's way here", || {
        host.shell(
            "nsenter --target $(cat \"$1\") --net busybox ping -c 1 -W 1 198.51.100.1",
            &[&pid_file.display().to_string()],
        )
        .code
            == 0
    });
    let crossed = host.shell(from_lan, &[&pid_file.display().to_string()]);
    assert_ne!(
        crossed.code, 0,
        "nothing is forwarded between interfaces that are not the engine's: {crossed}"
    );
}
