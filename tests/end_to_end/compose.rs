//! Projects of the kind people have, brought up by unmodified Docker Compose.

use std::collections::BTreeSet;

use sampan_tests::compose::{Generation, Project};
use sampan_tests::{Host, SERVICES, until};

fn host() -> Host {
    let host = Host::new();
    host.import(SERVICES);
    host
}

fn ids(host: &Host) -> BTreeSet<String> {
    host.docker(&["ps", "-q", "--no-trunc"]).ok().lines().map(str::to_owned).collect()
}

fn rows(project: &Project<'_>) -> u64 {
    let ask = "PGPASSWORD=$(cat /run/secrets/password) psql -At -h 127.0.0.1 -U postgres -c 'select count(*) from jobs'";
    project.run(&["exec", "-T", "database", "sh", "-c", ask]).ok().trim().parse().expect("a number")
}

fn counted(project: &Project<'_>) -> u64 {
    let found = project.run(&["exec", "-T", "cache", "redis-cli", "get", "jobs"]);
    found.ok().trim().parse().unwrap_or_default()
}

fn page(host: &Host) -> String {
    host.curl(&["-s", "--max-time", "2", "http://127.0.0.1:8080/"]).stdout
}

/// The worker's rows arrive, in the database and in the cache.
fn work_goes_on(project: &Project<'_>) {
    let (before, cached) = (rows(project), counted(project));
    until("the worker works", || rows(project) > before && counted(project) > cached);
}

/// Everything that a project goes through in its life.
fn a_project_lives(generation: Generation) {
    if sampan_tests::sampan_only() {
        return;
    }
    let mut host = host();
    {
        let project = Project::new(&host, generation, "shop");
        project.run(&["up", "-d"]).ok();
        until("the page is served", || page(&host) == "hello\n");
        work_goes_on(&project);
        let before = ids(&host);
        project.run(&["up", "-d"]).ok();
        assert_eq!(ids(&host), before, "a second up recreates nothing");

        // Scale, run, exec, logs, cp, top, port.
        project.run(&["up", "-d", "--scale", "worker=3"]).ok();
        assert!(ids(&host).is_superset(&before) && ids(&host).len() == before.len() + 2);
        let cached = project.run(&["run", "--rm", "-T", "worker", "redis-cli", "-h", "cache", "get", "jobs"]);
        assert!(cached.ok().trim().parse::<u64>().is_ok(), "{cached}");
        until("the log has the worker's numbers", || {
            project.run(&["logs", "--tail=1", "worker"]).stdout.contains("worker")
        });
        assert!(project.run(&["port", "web", "80"]).ok().contains(":8080"));
        assert!(project.run(&["top", "cache"]).ok().contains("redis-server"));
        project.run(&["up", "-d", "--force-recreate", "--no-deps", "-t", "1", "web"]).ok();
        until("the page is served again", || page(&host) == "hello\n");
        project.run(&["restart", "-t", "1", "cache"]).ok();
        work_goes_on(&project);
        // What the name stands for: back is an internal network, and web is on two.
        let web = project.container("web", 1);
        let inside = "{{len .NetworkSettings.Networks}}";
        assert_eq!(host.docker(&["inspect", "-f", inside, &web]).ok(), "2");
    }

    // The daemon dies at work: nothing notices.
    let before = ids(&host);
    host.kill_daemon();
    assert_eq!(page(&host), "hello\n", "the page is served without a daemon");
    host.start_daemon();
    assert_eq!(ids(&host), before);
    let project = Project::again(&host, generation, "shop");
    let worked = rows(&project);
    work_goes_on(&project);

    // Everything stops, and starts again with its data.
    project.run(&["stop", "-t", "2"]).ok();
    assert!(ids(&host).is_empty());
    host.stop_daemon();
    host.start_daemon();
    let project = Project::again(&host, generation, "shop");
    project.run(&["start"]).ok();
    until("the page is served after a stop", || page(&host) == "hello\n");
    until("the database is there again", || project.run(&["exec", "-T", "database", "true"]).code == 0);
    until("the database answers", || {
        let ask = "PGPASSWORD=$(cat /run/secrets/password) psql -h 127.0.0.1 -U postgres -c 'select 1'";
        project.run(&["exec", "-T", "database", "sh", "-c", ask]).code == 0
    });
    assert!(rows(&project) >= worked, "rows are lost");
    work_goes_on(&project);
    project.run(&["down", "-v", "-t", "1"]).ok();
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
    assert_eq!(host.docker(&["volume", "ls", "-q"]).ok(), "");
    assert_eq!(host.docker(&["network", "ls", "-q", "--filter", "type=custom"]).ok(), "");
}

#[test]
fn a_project_lives_with_compose_2() {
    a_project_lives(Generation::Two);
}

#[test]
fn a_project_lives_with_compose_1() {
    a_project_lives(Generation::One);
}

/// What only the second generation has: profiles, configs and secrets.
#[test]
fn profiles_configs_and_secrets() {
    let host = host();
    let project = Project::new(&host, Generation::Two, "shop");
    project.run(&["up", "-d", "web"]).ok();
    let read = |path: &str, service: &str| project.run(&["exec", "-T", service, "cat", path]).ok().to_owned();
    assert_eq!(read("/etc/app.conf", "web"), "greeting=hi");
    assert_eq!(read("/run/secrets/password", "database"), "s3cret");
    project.run(&["exec", "-T", "debug", "true"]).fails(1, "is not running");
    project.run(&["--profile", "debug", "up", "-d"]).ok();
    assert!(read("/etc/hosts", "debug").contains("localhost"));
    let looked = project.run(&["exec", "-T", "debug", "nslookup", "db"]);
    assert!(looked.ok().contains("172."), "{looked}");
    let file = host.folder().join("shop/app.conf").display().to_string();
    project.run(&["cp", &file, "web:/tmp/there"]).ok();
    assert_eq!(read("/tmp/there", "web"), "greeting=hi");
    // A change of a service's configuration recreates that one.
    let before = ids(&host);
    let text = std::fs::read_to_string(host.folder().join("shop/compose.yaml")).expect("the project");
    project.write("compose.yaml", &text.replace("httpd -f -p 80", "httpd -f -v -p 80"));
    project.run(&["--profile", "debug", "up", "-d", "-t", "1"]).ok();
    assert_eq!(before.difference(&ids(&host)).count(), 1, "only the changed service is recreated");
    project.run(&["--profile", "debug", "down", "-v", "-t", "1"]).ok();
    assert_eq!(host.docker(&["network", "ls", "-q", "--filter", "type=custom"]).ok(), "");
}
