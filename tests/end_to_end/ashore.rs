//! Containers sent to other places: a second Sampan, a real dockerd, and a simulated cloud.

use sampan_tests::{BUSYBOX, Host, repository, sampan_only, until};
use serde_json::Value;

const SCRIPT: &str =
    "mkdir -p /www; echo \"hello $SECRET_TOKEN\" >/www/index.html; echo begun; exec httpd -f -p 80 -h /www";

/// A host with a container `web`, and `edge`, the engine at this socket.
fn with_target(socket: &str) -> Host {
    let host = Host::new();
    host.import(BUSYBOX);
    host.sampan(&[
        "target",
        "create",
        "edge",
        "--provider",
        "docker",
        "--endpoint",
        &format!("unix://{socket}"),
    ])
    .ok();
    host.docker(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "80:80",
        "-e",
        "SECRET_TOKEN=hush-hush",
        "-v",
        "data:/data",
        "-l",
        "l=m",
        "--memory",
        "64m",
        "--cap-add",
        "NET_ADMIN",
        "--health-cmd",
        "wget -q -O /dev/null http://127.0.0.1/",
        "--health-interval",
        "1s",
        "busybox",
        "sh",
        "-c",
        SCRIPT,
    ])
    .ok();
    until("it answers", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    host
}

fn inspected(host: &Host, name: &str) -> Value {
    let text = host.sampan(&["inspect", name]);
    let list: Value = serde_json::from_str(text.ok()).expect("JSON");
    list[0].clone()
}

fn rows(host: &Host) -> Vec<String> {
    let table = host.sampan(&["container", "ls", "--target", "edge"]);
    table.ok().lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_container_goes_to_a_second_sampan_and_is_managed_from_here() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let host = with_target(&edge.socket().display().to_string());
    let check = host.sampan(&["target", "check", "edge"]);
    assert!(check.ok().starts_with("edge: Sampan "), "{check}");
    // What would be done is said, and nothing is.
    let plan = host.sampan(&["container", "push", "--dry-run", "-a", "edge", "web"]);
    assert!(
        plan.ok().contains("make the volume data") && plan.ok().contains("make the container web"),
        "{plan}"
    );
    assert!(rows(&host).is_empty());
    let pushed = host.sampan(&["container", "push", "-a", "edge", "web"]);
    assert!(pushed.ok() == "web@edge" && pushed.stderr.contains(":80 -> 80/tcp"), "{pushed}");
    assert_eq!(edge.curl(&["-sf", "http://127.0.0.1/"]).stdout, "hello hush-hush\n");
    let there = inspected(&edge, "web");
    assert_eq!(there["HostConfig"]["Memory"], 64 << 20);
    assert_eq!(there["HostConfig"]["CapAdd"], serde_json::json!(["CAP_NET_ADMIN"]));
    assert_eq!(there["Config"]["Labels"]["l"], "m");
    assert_eq!(there["Mounts"][0]["Name"], "data");
    let row = &rows(&host)[0];
    assert!(row.starts_with("web@edge") && row.contains("running") && row.contains("1/1"), "{row}");
    assert_eq!(host.sampan(&["logs", "web@edge"]).ok(), "begun");
    assert!(host.sampan(&["stats", "--no-stream", "web@edge"]).ok().contains("64MiB"));
    assert_eq!(inspected(&host, "web@edge")["Instances"][0]["Ready"], true);
    // Again is nothing new; only what is missing goes over.
    let again = host.sampan(&["container", "push", "--image-only", "-a", "edge", "web"]);
    assert!(again.ok() == "web@edge" && again.stderr.contains("0 of 1 layers go there"), "{again}");
    // Two that would write to one volume are refused there as they are here.
    let refused = host.sampan(&["container", "scale", "web@edge=3"]);
    assert!(refused.code != 0 && refused.stderr.contains("the volume data"), "{refused}");
    several(&host, &edge);
    host.sampan(&["stop", "web@edge"]).ok();
    assert!(rows(&host)[0].contains("stopped"), "{:?}", rows(&host));
    host.sampan(&["start", "web@edge"]).ok();
    until("it answers again", || edge.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    host.sampan(&["rm", "web@edge"]).ok();
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "", "nothing is left but the volume");
    assert_eq!(edge.docker(&["volume", "ls", "-q"]).ok(), "data");
    kept(&host, &edge);
    for text in [host.log(), edge.log()] {
        assert!(!text.contains("hush-hush"));
    }
}

/// Several replicas behind one port, where the other engine is Sampan.
fn several(host: &Host, edge: &Host) {
    host.docker(&[
        "run", "-d", "--name", "many", "-p", "81:80", "busybox", "httpd", "-f", "-p", "80", "-h", "/etc",
    ])
    .ok();
    host.sampan(&["container", "push", "--replicas", "2", "-a", "edge", "many"]).ok();
    host.sampan(&["container", "scale", "many@edge=3"]).ok();
    let many = || rows(host).into_iter().find(|row| row.starts_with("many@edge")).expect("a row");
    until("all are ready", || many().contains("3/3"));
    assert_eq!(edge.docker(&["ps", "-q", "--filter", "publish=81"]).ok().lines().count(), 1);
    for _ in 0..5 {
        edge.curl(&["-sf", "http://127.0.0.1:81/group"]).ok();
    }
    host.sampan(&["rm", "many@edge"]).ok();
    host.docker(&["rm", "-f", "many"]).ok();
    until("they are gone", || edge.docker(&["ps", "-aq", "--filter", "name=many"]).ok().is_empty());
}

/// `deploy -d` brings back what is gone, and sends what changed.
fn kept(host: &Host, edge: &Host) {
    host.sampan(&["container", "deploy", "--image-only", "-d", "edge", "--every", "1h", "web"]).ok();
    let outcome = || {
        host.sampan(&["job", "run", "web.deploy"]).ok();
        let job: Value =
            serde_json::from_str(host.sampan(&["job", "inspect", "web.deploy"]).ok()).expect("JSON");
        job[0]["Last"]["Outcome"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(outcome(), "as it is to be");
    edge.docker(&["rm", "-f", "web"]).ok();
    assert!(outcome().contains("it was not there"));
    assert_eq!(edge.curl(&["-sf", "http://127.0.0.1/"]).stdout, "hello hush-hush\n");
    host.docker(&["rm", "-f", "web"]).ok();
    assert_eq!(host.sampan(&["job", "ls", "-q"]).ok(), "", "the job ends with its container");
    host.sampan(&["target", "rm", "edge"]).ok();
    let gone = host.sampan(&["logs", "web@edge"]);
    assert!(gone.code != 0 && gone.stderr.contains("there is no target edge"), "{gone}");
}

#[test]
fn a_container_goes_to_a_real_dockerd() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
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
    let host = with_target(&socket);
    let check = host.sampan(&["target", "check", "edge"]);
    assert!(check.ok().starts_with("edge: Docker"), "{check}");
    host.sampan(&["container", "push", "-a", "edge", "web"]).ok();
    assert_eq!(edge.curl(&["-sf", "http://127.0.0.1/"]).stdout, "hello hush-hush\n");
    // A plain engine gives a port to one container, and says so before anything is touched.
    let three = host.sampan(&["container", "push", "--replicas", "3", "-a", "edge", "web"]);
    assert!(
        three.code != 0 && three.stderr.contains("a plain Docker engine gives a port to one container"),
        "{three}"
    );
    // Another command: replaced, and back again.
    host.docker(&["exec", "web", "sh", "-c", "echo new >/www/new"]).ok();
    let pushed = host.sampan(&["container", "push", "-a", "edge", "web"]);
    assert!(pushed.ok() == "web@edge" && pushed.stderr.contains("1 of 2 layers go there"), "{pushed}");
    assert_eq!(edge.curl(&["-sf", "http://127.0.0.1/new"]).stdout, "new\n");
    host.sampan(&["container", "update", "--rollback", "web@edge"]).ok();
    until("what was before", || {
        edge.curl(&["-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1/new"]).stdout == "404"
    });
    // A new one that does not get ready is taken back.
    host.docker(&["rm", "-f", "web"]).ok();
    host.docker(&["run", "-d", "--name", "web", "-p", "80:80", "busybox", "sleep", "1000"]).ok();
    host.docker(&["rm", "-f", "web"]).ok();
    host.docker(&["run", "-d", "--name", "web", "-p", "80:80", "busybox", "false"]).ok();
    let broken = host.sampan(&["container", "push", "-a", "edge", "web"]);
    assert!(broken.code != 0 && broken.stderr.contains("ended with exit code 1"), "{broken}");
    assert_eq!(edge.curl(&["-sf", "http://127.0.0.1/"]).stdout, "hello hush-hush\n");
    host.sampan(&["rm", "-v", "web@edge"]).ok();
    let resources = host.sampan(&["target", "resources", "edge"]);
    assert_eq!(resources.ok().lines().count(), 1, "{resources}");
}

#[test]
fn a_container_goes_to_the_simulated_cloud() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    host.import(BUSYBOX);
    let serve = "mkdir -p /www; hostname >/www/index.html; echo begun; exec httpd -f -p 80 -h /www";
    host.docker(&[
        "create",
        "--name",
        "web",
        "-p",
        "8080:80",
        "-e",
        "SECRET_TOKEN=hush-hush",
        "busybox",
        "sh",
        "-c",
        serve,
    ])
    .ok();
    let target = "aws-us-east-1";
    let without = host.sampan(&["container", "push", "-a", target, "web"]);
    assert!(without.code != 0 && without.stderr.contains("there are no AWS credentials"), "{without}");
    let up = host.sampan(&["cloudsim", "up"]);
    assert!(up.ok().contains("a simulation of AWS answers at http://127.0.0.1:"), "{up}");
    let plan = host.sampan(&["container", "push", "--dry-run", "-a", target, "web"]);
    assert!(plan.ok().contains("Fargate"), "{plan}");
    let pushed = host.sampan(&["container", "push", "-a", target, "web"]);
    assert!(pushed.ok() == "web@aws-us-east-1" && pushed.stderr.contains("(simulated)"), "{pushed}");
    let row = || {
        let table = host.sampan(&["container", "ls", "--target", target]);
        table.ok().lines().nth(1).unwrap_or_default().to_owned()
    };
    assert!(row().contains("running (simulated)") && row().contains("1/1"), "{}", row());
    let address =
        row().split_whitespace().last().expect("an address").split("->").next().expect("one").to_owned();
    let first = host.curl(&["-sf", &format!("http://{address}/")]).ok().to_owned();
    assert_eq!(host.sampan(&["logs", "web@aws-us-east-1"]).ok(), "begun");
    assert!(host.sampan(&["stats", "web@aws-us-east-1"]).ok().contains('%'));
    let resources = host.sampan(&["target", "resources", target]);
    assert!(resources.ok().contains("web") && resources.ok().lines().count() > 5, "{resources}");
    // By load: one that is busy gets a second one beside it.
    host.sampan(&["container", "scale", "-d", "2", "web@aws-us-east-1"]).ok();
    let task = host.docker(&["ps", "-q", "--filter", "name=cloudsim-us-east-1-web-"]).ok().to_owned();
    host.docker(&["exec", "-d", &task, "sh", "-c", "while :; do :; done"]).ok();
    until("a second one came by itself", || row().contains("2/2"));
    host.sampan(&["container", "scale", "web@aws-us-east-1=1"]).ok();
    until("one is left", || row().contains("1/1"));
    host.sampan(&["container", "scale", "web@aws-us-east-1=2"]).ok();
    until("both are ready", || row().contains("2/2"));
    until("both answer", || (0..4).any(|_| host.curl(&["-sf", &format!("http://{address}/")]).ok() != first));
    host.sampan(&["stop", "web@aws-us-east-1"]).ok();
    until("it is stopped", || row().contains("stopped"));
    host.sampan(&["start", "web@aws-us-east-1"]).ok();
    until("both are back", || row().contains("2/2"));
    // The cloud is still there after the daemon was killed, with all that lives in it.
    host.kill_daemon();
    host.start_daemon();
    until("the cloud is back", || {
        let table = host.sampan(&["container", "ls", "--target", target]);
        table.code == 0 && table.stdout.contains("2/2")
    });
    assert!(!host.log().contains("hush-hush"));
    host.sampan(&["rm", "web@aws-us-east-1"]).ok();
    assert_eq!(host.sampan(&["container", "ls", "--target", target]).ok().lines().count(), 1);
    host.sampan(&["cloudsim", "down"]).ok();
    assert_eq!(host.docker(&["ps", "-aq"]).ok().lines().count(), 1, "nothing is left but web");
    assert!(host.sampan(&["container", "ls", "--target", target]).code != 0);
}
