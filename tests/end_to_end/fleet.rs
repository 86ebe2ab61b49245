//! Replicas: scaled, balanced, replaced one by one, with clients that count every failure.

use std::time::Duration;

use sampan_tests::build::context;
use sampan_tests::{Campaign, Host, Running, sampan_only, until};
use serde_json::Value;

const TRAFFIC: &str = env!("CARGO_BIN_EXE_sampan-test-traffic");
const WEB: &str = "127.0.0.1:8080";

/// A host with the images `app:1`, `app:2` and so on: a server that answers with its version.
fn host() -> Host {
    let host = Host::new();
    let folder = context(&host, "app", "", &[]);
    std::fs::copy(TRAFFIC, folder.join("traffic")).expect("copied");
    for (tag, more) in
        [("1", ""), ("2", ""), ("ill", "ENV UNHEALTHY_AFTER=0\n"), ("late", "ENV UNHEALTHY_AFTER=6\n")]
    {
        let dockerfile = format!(
            "FROM busybox\nCOPY traffic /traffic\nENV VERSION={tag}\n{more}CMD [\"/traffic\", \"serve\", \"80\"]\n"
        );
        std::fs::write(folder.join("Dockerfile"), dockerfile).expect("written");
        host.sampan(&["build", "-q", "-t", &format!("app:{tag}"), &folder.display().to_string()]).ok();
    }
    host
}

fn run_web(host: &Host, replicas: u32) {
    host.sampan(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "8080:80",
        "--label",
        "team=a",
        "--restart",
        "unless-stopped",
        "--health-http",
        ":80/health",
        "--health-interval",
        "300ms",
        "--health-retries",
        "2",
        "--stop-timeout",
        "30",
        "app:1",
    ])
    .ok();
    until("the server answers", || host.curl(&["-sf", &format!("http://{WEB}/")]).code == 0);
    if replicas > 1 {
        host.sampan(&["container", "scale", &format!("web={replicas}")]).ok();
    }
}

fn load(host: &Host, rate: u32, seconds: u32) -> Running {
    host.start(&[TRAFFIC, "load", WEB, &rate.to_string(), &seconds.to_string()])
}

/// What the clients counted, as it was printed.
fn counted(load: Running) -> Value {
    let outcome = load.finish();
    let counts: Value = serde_json::from_str(outcome.ok()).expect("what the clients counted");
    println!("{counts}");
    counts
}

fn names(host: &Host) -> String {
    let mut names: Vec<String> =
        host.docker(&["ps", "--format", "{{.Names}}"]).ok().lines().map(str::to_owned).collect();
    names.sort();
    names.join(" ")
}

fn group(host: &Host) -> Value {
    serde_json::from_str(host.sampan(&["container", "replicas", "--json", "web"]).ok()).expect("JSON")
}

#[test]
fn replicas_share_a_port_and_come_and_go() {
    if sampan_only() {
        return;
    }
    let mut host = host();
    host.docker(&["network", "create", "back"]).ok();
    run_web(&host, 1);
    host.docker(&["network", "connect", "--alias", "site", "back", "web"]).ok();
    let plan = host.sampan(&["scale", "--dry-run", "web=3"]);
    assert!(plan.ok().contains("run web-2") && names(&host) == "web", "{plan}");
    assert_eq!(host.sampan(&["container", "scale", "web=3"]).ok(), "web");
    assert_eq!(names(&host), "web web-2 web-3");
    let label = host.docker(&["inspect", "-f", "{{.Config.Labels.team}} {{.Config.Image}}", "web-3"]);
    assert_eq!(label.ok(), "a app:1");
    // All have the name of the first one, and its alias.
    for name in ["web", "site"] {
        let asked = host.docker(&["run", "--rm", "--network", "back", "busybox", "nslookup", name]);
        assert_eq!(asked.stdout.matches("Address").count(), 1 + 3, "{asked}");
    }
    // Connections go to all, whether they come by the host's address, from another host or from a container.
    let counts = counted(load(&host, 300, 2));
    assert_eq!(counts["failed"], 0);
    let mut served: Vec<u64> = Vec::new();
    for name in ["web", "web-2", "web-3"] {
        let script = "grep -h ^Tcp: /proc/net/snmp | tail -1 | cut -d' ' -f7";
        let accepted = host.docker(&["exec", name, "sh", "-c", script]);
        served.push(accepted.ok().parse().expect("a number"));
    }
    let (least, most) = (served.iter().min().expect("three"), served.iter().max().expect("three"));
    assert!(*least * 2 > *most, "{served:?}");
    // A flush of the host's rules, and a daemon that is killed, change nothing.
    host.run(&["nft", "flush", "ruleset"]).ok();
    until("the rules are back", || {
        host.curl(&["-sf", "--max-time", "1", &format!("http://{WEB}/")]).code == 0
    });
    host.kill_daemon();
    let meanwhile = load(&host, 100, 3);
    std::thread::sleep(Duration::from_secs(1));
    host.start_daemon();
    assert_eq!(counted(meanwhile)["failed"], 0);
    assert_eq!(group(&host)["Ready"], 3);
    // One that is unhealthy gets nothing more; one that is killed costs no request.
    let during = load(&host, 200, 6);
    std::thread::sleep(Duration::from_secs(1));
    host.docker(&["kill", "-s", "KILL", "web-2"]).ok();
    host.docker(&["pause", "web-3"]).ok();
    std::thread::sleep(Duration::from_secs(1));
    host.docker(&["unpause", "web-3"]).ok();
    host.docker(&["start", "web-2"]).ok();
    println!("{}", counted(during));
    assert_eq!(host.sampan(&["container", "scale", "--drain", "2s", "web=2"]).ok(), "web");
    assert_eq!(names(&host), "web web-2");
    // What is made of a replica, by commit or from a backup, is none.
    host.docker(&["commit", "web-2", "copied"]).ok();
    host.docker(&["run", "-d", "--name", "apart", "copied"]).ok();
    host.sampan(&["container", "backup", "web-2"]).ok();
    host.sampan(&["container", "backup", "restore", "--as", "restored", "web-2"]).ok();
    host.docker(&["start", "restored"]).ok();
    assert_eq!(group(&host)["Replicas"].as_array().map(Vec::len), Some(2));
    host.docker(&["rm", "-f", "apart", "restored"]).ok();
    // One that somebody removes comes again.
    host.docker(&["rm", "-f", "web-2"]).ok();
    until("it comes again", || names(&host) == "web web-2" && group(&host)["Operation"].is_null());
    // The others go, stop and start with the first one.
    host.docker(&["stop", "web"]).ok();
    until("the others stop", || names(&host).is_empty());
    host.docker(&["start", "web"]).ok();
    until("the others start", || names(&host) == "web web-2");
    until("both are ready", || group(&host)["Ready"] == 2);
    assert_eq!(counted(load(&host, 100, 1))["failed"], 0);
    host.docker(&["rm", "-f", "web"]).ok();
    until("the others go", || host.docker(&["ps", "-aq"]).ok().is_empty());
    assert!(!host.run(&["nft", "list", "ruleset"]).ok().contains("8080"));
    assert_eq!(host.sampan(&["container", "replicas", "--json"]).ok(), "[]");
}

#[test]
fn what_cannot_be_scaled_is_refused_with_the_reason() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    host.import(sampan_tests::BUSYBOX);
    host.docker(&["network", "create", "--subnet", "10.77.0.0/24", "fixed"]).ok();
    let cases: [(&str, &[&str], &str); 5] = [
        ("xa", &["--network", "host"], "the host's network"),
        ("xb", &["--network", "fixed", "--ip", "10.77.0.9"], "10.77.0.9 on the network fixed is fixed"),
        ("xc", &["-v", "data:/data"], "the volume data at the same time; --share-volumes"),
        ("xd", &["-v", "/tmp:/tmp"], "would write to /tmp at the same time"),
        ("xe", &["--rm"], "(--rm)"),
    ];
    for (name, words, said) in cases {
        let all = [&["run", "-d", "--name", name], words, &["busybox", "sleep", "1000"]].concat();
        host.docker(&all).ok();
        let refused = host.sampan(&["container", "scale", &format!("{name}=2")]);
        assert!(refused.code != 0 && refused.stderr.contains(said), "{refused}");
    }
    host.sampan(&["container", "scale", "--ready-after", "1s", "--share-volumes", "xc=2"]).ok();
    for (words, said) in [
        (vec!["web=2"], "No such container: web"),
        (vec!["xc"], "xc=2 would be two"),
        (vec!["xc=0"], "at least one replica"),
        (vec!["xc=-1"], "says no number"),
        (vec!["xc=100000"], "too many"),
        (vec!["xc-2=3"], "is a replica of xc: name that one"),
    ] {
        let refused = host.sampan(&[&["container", "scale"], &words[..]].concat());
        assert!(refused.code != 0 && refused.stderr.contains(said), "{refused}");
    }
    // A name that is taken: nothing comes.
    host.docker(&["run", "-d", "--name", "xa-2", "busybox", "sleep", "1000"]).ok();
    host.docker(&["run", "-d", "--name", "xf", "busybox", "sleep", "1000"]).ok();
    host.docker(&["run", "-d", "--name", "xf-3", "busybox", "sleep", "1000"]).ok();
    let refused = host.sampan(&["container", "scale", "--ready-after", "1s", "xf=3"]);
    assert!(refused.code != 0 && refused.stderr.contains("would be called xf-3"), "{refused}");
    assert!(!names(&host).contains("xf-2"), "{}", names(&host));
}

/// Nothing fails while three replicas are replaced: short requests on new and on kept connections, long answers, and
/// connections that were upgraded.
#[test]
fn an_update_loses_nothing() {
    if sampan_only() {
        return;
    }
    let host = host();
    run_web(&host, 3);
    let short = load(&host, 500, 50);
    let long: Vec<Running> = (0..6).map(|_| host.start(&[TRAFFIC, "slow", WEB, "12"])).collect();
    let sockets: Vec<Running> = (0..6).map(|_| host.start(&[TRAFFIC, "socket", WEB])).collect();
    std::thread::sleep(Duration::from_secs(1));
    let updated =
        host.sampan(&["container", "update", "--image", "app:2", "--drain", "3s", "--watch", "3s", "web"]);
    assert_eq!(updated.ok(), "web");
    let counts = counted(short);
    assert_eq!(counts["failed"], 0, "{counts}");
    assert!(
        counts["answers"]["2"].as_u64() > Some(1000) && counts["answers"]["1"].as_u64() > Some(100),
        "{counts}"
    );
    for client in long {
        assert_eq!(client.finish().ok(), "ok 12");
    }
    for client in sockets {
        assert!(client.finish().ok().starts_with("ok "));
    }
    assert_eq!(names(&host), "web web-2 web-3");
    let state = group(&host);
    assert_eq!((&state["Generation"], &state["Operation"]), (&2.into(), &Value::Null), "{state}");
    // By hand it goes back, and there is no third version to go back to.
    host.sampan(&["container", "update", "--rollback", "--drain", "1s", "--watch", "1s", "web"]).ok();
    assert_eq!(host.curl(&["-s", &format!("http://{WEB}/")]).ok(), "1");
}

#[test]
fn an_update_to_what_does_not_work_takes_itself_back() {
    if sampan_only() {
        return;
    }
    let host = host();
    run_web(&host, 3);
    let during = load(&host, 300, 40);
    for (image, said) in [("app:ill", "is unhealthy"), ("app:late", "unhealthy after the update")] {
        let words = ["container", "update", "--image", image, "--drain", "1s", "--watch", "20s", "web"];
        let failed = host.sampan(&words);
        assert!(failed.code != 0 && failed.stderr.contains(said), "{failed}");
        assert!(failed.stderr.contains("web was rolled back"), "{failed}");
        assert_eq!(names(&host), "web web-2 web-3");
        assert!(group(&host)["Last"]["Error"].as_str().is_some_and(|text| text.contains("rolled back")));
    }
    let missing = host.sampan(&["container", "update", "--image", "app:none", "web"]);
    assert!(missing.code != 0, "{missing}");
    let counts = counted(during);
    assert_eq!(counts["failed"], 0, "{counts}");
    assert_eq!(host.curl(&["-s", &format!("http://{WEB}/")]).ok(), "1");
}

/// Whenever the daemon is killed, the next one finishes what was under way.
#[test]
fn an_update_survives_the_daemon() {
    if sampan_only() {
        return;
    }
    let mut host = host();
    run_web(&host, 3);
    let during = load(&host, 300, 45);
    let mut update = host.sampan_running(&[
        "container",
        "update",
        "--image",
        "app:2",
        "--drain",
        "2s",
        "--watch",
        "2s",
        "web",
    ]);
    until("the update is under way", || !group(&host)["Operation"].is_null());
    for pause in [500, 2500, 4000] {
        std::thread::sleep(Duration::from_millis(pause));
        host.kill_daemon();
        std::thread::sleep(Duration::from_millis(200));
        host.start_daemon();
    }
    let _ = update.child().wait();
    until("the update is finished", || {
        let state = group(&host);
        state["Operation"].is_null() && state["Generation"] == 2 && state["Ready"] == 3
    });
    assert_eq!(names(&host), "web web-2 web-3");
    assert_eq!(group(&host)["Last"]["Error"], "");
    let counts = counted(during);
    assert_eq!(counts["failed"], 0, "{counts}");
    assert_eq!(host.curl(&["-s", &format!("http://{WEB}/")]).ok(), "2");
}

fn job(host: &Host, id: &str) -> Value {
    let jobs: Value = serde_json::from_str(host.sampan(&["job", "inspect", id]).ok()).expect("JSON");
    jobs[0].clone()
}

/// The mission's commands as they are written, and what becomes of their jobs.
#[test]
fn jobs_do_their_work_and_outlive_the_daemon() {
    if sampan_only() {
        return;
    }
    let mut host = host();
    let name = "my-ubuntu-container";
    host.docker(&["run", "-d", "--name", name, "-p", "8080:80", "app:1"]).ok();
    let added =
        host.sampan(&["container", "update", "-d", "5m", "--ready-after", "1s", "--watch", "1s", name]);
    assert!(added.ok() == name && added.stderr.contains("every 5m"), "{added}");
    until("the job was done once", || {
        job(&host, "my-ubuntu-container.update")["Last"]["Outcome"] == "nothing newer"
    });
    host.sampan(&["container", "scale", "-d", "2", name]).ok();
    host.sampan(&["container", "scale", "--ready-after", "1s", "my-ubuntu-container=2"]).ok();
    assert_eq!(names(&host), "my-ubuntu-container my-ubuntu-container-2");
    // A newer image of the same name is found when the job is done again.
    host.docker(&["tag", "app:2", "app:1"]).ok();
    let id = "my-ubuntu-container.update";
    assert!(host.sampan(&["job", "run", id]).stderr.contains("updated to app:1"));
    assert_eq!(host.curl(&["-s", &format!("http://{WEB}/")]).ok(), "2");
    host.kill_daemon();
    host.start_daemon();
    let listed = host.sampan(&["job", "ls"]);
    assert!(listed.ok().contains(id) && listed.ok().contains("my-ubuntu-container.scale"), "{listed}");
    assert_eq!(job(&host, id)["Last"]["Outcome"], "updated to app:1");
    host.sampan(&["job", "pause", id]).ok();
    assert!(job(&host, id)["Paused"] == true && job(&host, id)["Next"].is_null());
    host.sampan(&["job", "resume", id]).ok();
    // A new one takes the place of the one of its kind.
    host.sampan(&["container", "update", "-d", "0 3 * * *", name]).ok();
    assert_eq!(job(&host, id)["Schedule"], "0 3 * * *");
    assert!(job(&host, id)["Next"].as_str().is_some_and(|next| next.contains("T03:00:00")));
    host.sampan(&["job", "rm", "my-ubuntu-container.scale"]).ok();
    for (words, said) in [
        (vec!["container", "update", "-d", "soon", name], "is no interval"),
        (vec!["container", "update", "-d", "5m", "nobody"], "No such container: nobody"),
        (vec!["container", "scale", "-d", "0", name], "between 1 and 0"),
        (vec!["container", "scale", "-d", "3", "--cpu", "x", name], "is no number"),
        (vec!["job", "run", "nothing"], "there is no job nothing"),
        (vec!["job", "rm", "nothing"], "there is no job nothing"),
        (vec!["container", "scale", "--why", "nobody"], "nothing was decided about nobody"),
    ] {
        let refused = host.sampan(&words);
        assert!(refused.code != 0 && refused.stderr.contains(said), "{refused}");
    }
    for (command, example) in [
        ("scale", "scale my-ubuntu-container=2"),
        ("scale", "scale -d 3 my-ubuntu-container"),
        ("update", "update -d 5m my-ubuntu-container"),
    ] {
        assert!(host.sampan(&["container", command, "--help"]).ok().contains(example), "{command}");
    }
    host.docker(&["rm", "-f", name]).ok();
    until("its jobs end with it", || host.sampan(&["job", "ls", "-q"]).ok().is_empty());
}

/// A step of load brings three replicas, its end takes two of them away, and in between nothing comes and goes.
#[test]
fn replicas_follow_the_load() {
    if sampan_only() {
        return;
    }
    let host = host();
    host.sampan(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "8080:80",
        "--cpus",
        "0.3",
        "--health-http",
        ":80/health",
        "--health-interval",
        "300ms",
        "--restart",
        "unless-stopped",
        "app:1",
        "/traffic",
        "burn",
        "80",
    ])
    .ok();
    until("the server answers", || host.curl(&["-sf", &format!("http://{WEB}/")]).code == 0);
    let words =
        ["container", "scale", "-d", "3", "--every", "1s", "--down-after", "5s", "--lead", "1s", "web"];
    host.sampan(&words).ok();
    let busy = load(&host, 100, 25);
    until("there are three", || names(&host) == "web web-2 web-3");
    let why = host.sampan(&["container", "scale", "--why", "web"]);
    assert!(why.ok().contains("cpu") && why.ok().contains("of 60 for each"), "{why}");
    let counts = counted(busy);
    assert_eq!(counts["failed"], 0, "{counts}");
    until("there is one again", || names(&host) == "web");
    let events = host.docker(&["events", "--since", "5m", "--until", "0s", "--filter", "event=create"]);
    let made = events.ok().lines().filter(|line| line.contains("name=web-")).count();
    assert_eq!(made, 2, "each came once: {events}");
    assert!(host.sampan(&["job", "ls"]).ok().contains("web.scale"));
}

/// A container that is unhealthy is started anew when its label says so; readiness takes connections away and gives them
/// back without anything being started.
#[test]
fn the_unhealthy_are_restarted_and_the_unready_left_alone() {
    if sampan_only() {
        return;
    }
    let host = host();
    host.sampan(&[
        "run",
        "-d",
        "--name",
        "ill",
        "--health-http",
        ":80/health",
        "--health-interval",
        "200ms",
        "--health-retries",
        "2",
        "--on-unhealthy",
        "restart",
        "app:late",
    ])
    .ok();
    let started = || host.docker(&["inspect", "-f", "{{.State.StartedAt}}", "ill"]).ok().to_owned();
    let first = started();
    let health = || host.docker(&["inspect", "-f", "{{.State.Health.Status}}", "ill"]).ok().to_owned();
    until("it is healthy", || health() == "healthy");
    let log = host.docker(&["inspect", "-f", "{{(index .State.Health.Log 0).Output}}", "ill"]);
    assert_eq!(log.ok(), "HTTP/1.1 200 OK");
    assert_eq!(host.docker(&["top", "ill"]).ok().lines().count(), 2, "a probe starts no program");
    until("it was started anew", || started() != first);
    until("it is healthy again", || health() == "healthy");
    // Compose and others say it by labels.
    host.docker(&["run", "-d", "--name", "port", "--label", "sampan.health=tcp::80", "app:1"]).ok();
    let test = host.docker(&["inspect", "-f", "{{json .Config.Healthcheck.Test}}", "port"]);
    assert_eq!(test.ok(), "[\"TCP\",\":80\"]");
    for (words, said) in [
        (["--health-http", "80x"], "has to be of the form :8080/path"),
        (["--on-unhealthy", "explode"], "one of restart, stop and none"),
        (["--ready-tcp", ":1/x"], "label sampan.readiness"),
    ] {
        let refused = host.sampan(&[&["run", "-d"], &words[..], &["app:1"]].concat());
        assert!(refused.code == 125 && refused.stderr.contains(said), "{refused}");
    }
    host.sampan(&["run", "-d", "--name", "web", "-p", "8080:80", "--ready-http", ":80/health", "app:1"]).ok();
    host.sampan(&["container", "scale", "web=2"]).ok();
    assert_eq!(group(&host)["Ready"], 2);
}

/// Two hundred replicas come and go, and nothing is left of them.
#[test]
fn two_hundred_replicas_come_and_go() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("replicas of one container", 60, 200);
    let host = host();
    host.sampan(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "8080:80",
        "--health-http",
        ":80/health",
        "--health-interval",
        "1s",
        "app:1",
    ])
    .ok();
    let usage = || {
        let pid = host.daemon_pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the daemon's status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory").to_owned();
        line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).expect("a number")
    };
    let links = || host.run(&["ip", "-o", "link"]).ok().lines().count();
    let before = (usage(), links());
    let some = campaign.rounds / 4;
    host.sampan(&["container", "scale", &format!("web={some}")]).ok();
    let quarter = usage();
    host.sampan(&["container", "scale", &format!("web={}", campaign.rounds)]).ok();
    let all = usage();
    assert_eq!(group(&host)["Ready"], campaign.rounds);
    assert_eq!(counted(load(&host, 400, 2))["failed"], 0);
    // The daemon's memory grows no faster than the count, but for a few megabytes that any work takes.
    let (first, rest) = (quarter.saturating_sub(before.0), all.saturating_sub(quarter));
    assert!(rest <= first * 3 + 16 * 1024, "{before:?} {quarter} {all} kB");
    host.sampan(&["container", "scale", "web=1"]).ok();
    assert_eq!(names(&host), "web");
    // Sandboxes that wait for the next containers come and go by themselves.
    until("their links are gone", || links() <= before.1 + 8);
    assert!(!host.run(&["nft", "list", "ruleset"]).ok().contains("0x000001ff"), "no slot is left");
    host.docker(&["rm", "-f", "web"]).ok();
    campaign
        .done(&format!("memory of the daemon {} kB before, {quarter} with {some}, {all} with all", before.0));
}
