//! Backups: everything comes back, restic reads them, and a database under load is whole in each.

use std::time::{Duration, Instant};

use sampan_tests::{BUSYBOX, Campaign, Host, Outcome, SERVICES, sampan_only, until};
use serde_json::Value;

fn backups(host: &Host, more: &[&str]) -> Vec<Value> {
    let words = [&["container", "backup", "ls", "--json"], more].concat();
    let listed: Value = serde_json::from_str(host.sampan(&words).ok()).expect("JSON");
    listed.as_array().expect("a list").clone()
}

/// The real restic on the engine's own repository.
fn restic(host: &Host, words: &[&str]) -> Outcome {
    let folder = host.data_root().join("backup");
    let (repository, key) =
        (folder.join("repository").display().to_string(), folder.join("key").display().to_string());
    host.run(&[&["restic", "--no-cache", "-r", &repository, "-p", &key], words].concat())
}

#[test]
fn a_container_comes_back_with_all_that_it_wrote() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    host.import(BUSYBOX);
    let script = "echo hi >/data/f; ln -s f /data/l; chown 7:8 /data/f; chmod 4750 /data/f; mkfifo /data/p; echo x >/etc/x; \
                  rm /etc/group; rm -r /root; mkdir /root; echo r >/root/r; echo z >/anon/z; sleep 10000";
    host.docker(&[
        "run",
        "-d",
        "--name",
        "db",
        "-v",
        "data:/data",
        "-v",
        "/anon",
        "-e",
        "PASSWORD=hush-hush",
        "-l",
        "l=m",
        "busybox",
        "sh",
        "-c",
        script,
    ])
    .ok();
    until("all is written", || host.docker(&["exec", "db", "cat", "/anon/z"]).code == 0);
    assert!(backups(&host, &[]).is_empty());
    let first = host.sampan(&["container", "backup", "db"]);
    assert!(first.ok() == "db" && first.stderr.contains("keep a copy of the key elsewhere"), "{first}");
    assert!(first.stderr.contains("while it stood still for"), "{first}");
    host.docker(&["exec", "db", "sh", "-c", "echo more >/data/g; rm /data/l"]).ok();
    let second = host.sampan(&["container", "backup", "db"]);
    assert!(!second.ok().is_empty() && !second.stderr.contains("key"), "{second}");
    assert_eq!(host.docker(&["inspect", "-f", "{{.State.Status}}", "db"]).ok(), "running");
    let listed = backups(&host, &["db"]);
    assert_eq!(listed.len(), 2);
    let id = listed[0]["Id"].as_str().expect("an id").to_owned();
    // What nobody may read is not readable: the password is in no log and no file in plain.
    let found = host.shell(
        "grep -rla hush-hush \"$1\" || true",
        &[&host.data_root().join("backup").display().to_string()],
    );
    assert!(found.ok().is_empty() && !host.log().contains("hush-hush"), "{found}");
    let mode =
        host.shell("stat -c %a \"$1\" \"$1/key\"", &[&host.data_root().join("backup").display().to_string()]);
    assert_eq!(mode.ok(), "700\n600");
    // restic finds nothing wrong, and the same files.
    assert!(restic(&host, &["check", "--read-data"]).ok().contains("no errors were found"));
    assert_eq!(restic(&host, &["snapshots"]).ok().matches("sampan").count(), 2);
    let files = restic(&host, &["ls", "latest"]);
    for path in ["/container.json", "/layer/etc/x", "/volumes/data/g"] {
        assert!(files.ok().lines().any(|line| line == path), "{path} in {files}");
    }
    assert!(host.sampan(&["container", "backup", "verify", "--all-data"]).ok().contains("are whole"));
    // The same names are taken; under another one it comes back beside itself, as it was the first time.
    let taken = host.sampan(&["container", "backup", "restore", &id[..8]]);
    assert!(taken.code != 0 && taken.stderr.contains("--as NAME"), "{taken}");
    host.sampan(&["container", "backup", "restore", "--as", "back", &id[..8]]).ok();
    let listing = "cd / && find data etc root anon -exec ls -dln {} + | awk '{$6=$7=$8=\"\"; print}' | grep -v -e resolv -e host -e mtab; cat /data/f /etc/x";
    host.docker(&["start", "back"]).ok();
    // What its program does again is what it did before.
    until("it is there", || host.docker(&["exec", "back", "cat", "/anon/z"]).code == 0);
    let there = host.docker(&["exec", "back", "sh", "-c", listing]).ok().to_owned();
    assert!(
        there.contains("-rwsr-x--- 1 7 8") && !there.contains("etc/group") && !there.contains("data/g"),
        "{there}"
    );
    let label = host.docker(&["inspect", "-f", "{{.Config.Labels.l}} {{.Config.Env}}", "back"]);
    assert!(label.ok().starts_with("m ") && label.ok().contains("PASSWORD=hush-hush"), "{label}");
    // After everything is lost it comes back under its own name, with its own volumes.
    host.docker(&["rm", "-fv", "db", "back"]).ok();
    host.docker(&["volume", "prune", "-af"]).ok();
    host.docker(&["rmi", "-f", "busybox"]).ok();
    host.import(BUSYBOX);
    host.sampan(&["container", "backup", "restore", "db"]).ok();
    assert!(host.docker(&["volume", "ls", "-q"]).ok().lines().any(|name| name == "data"));
    host.docker(&["start", "db"]).ok();
    until("it is there", || host.docker(&["exec", "db", "cat", "/data/g"]).stdout == "more\n");
    // Jobs take them, rules let the old ones go, a restart changes nothing.
    host.sampan(&["container", "backup", "-d", "15m", "--keep-last", "2", "db"]).ok();
    until("the job was done", || {
        let job: Value =
            serde_json::from_str(host.sampan(&["job", "inspect", "db.backup"]).ok()).expect("JSON");
        job[0]["Last"]["Outcome"].as_str().is_some_and(|outcome| outcome.contains("bytes new"))
    });
    assert_eq!(backups(&host, &[]).len(), 2);
    host.kill_daemon();
    host.start_daemon();
    host.sampan(&["job", "run", "db.backup"]).ok();
    assert_eq!(backups(&host, &[]).len(), 2);
    let last = backups(&host, &[])[1]["Id"].as_str().expect("an id").to_owned();
    host.sampan(&["container", "backup", "rm", &last[..10]]).ok();
    assert_eq!(backups(&host, &[]).len(), 1);
    assert!(restic(&host, &["check", "--read-data"]).ok().contains("no errors were found"));
    refusals(&host);
}

/// What a label says is done before and after, and a failure before gives the backup up.
#[test]
fn hooks_run_before_and_after() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    host.import(BUSYBOX);
    let run = |name: &str, pre: &str| {
        let pre = format!("sampan.backup.pre={pre}");
        let words = [
            "run",
            "-d",
            "--name",
            name,
            "-l",
            &pre,
            "-l",
            "sampan.backup.post=echo after >>/log",
            "busybox",
            "sleep",
            "1000",
        ];
        host.docker(&words).ok();
    };
    run("good", "echo before >>/log");
    host.sampan(&["container", "backup", "good"]).ok();
    assert_eq!(host.docker(&["exec", "good", "cat", "/log"]).ok(), "before\nafter");
    host.sampan(&["container", "backup", "restore", "--as", "again", "good"]).ok();
    let log = host.with_client(&["sh", "-c", "docker cp again:/log - | tar -xO"]);
    assert_eq!(log.ok(), "before", "as it was in between");
    run("bad", "echo no space; false");
    let failed = host.sampan(&["container", "backup", "bad"]);
    assert!(failed.code != 0 && failed.stderr.contains("ended with 1: no space"), "{failed}");
    assert_eq!(host.docker(&["exec", "bad", "cat", "/log"]).ok(), "after");
    assert!(backups(&host, &["bad"]).is_empty());
}

fn refusals(host: &Host) {
    let help = host.sampan(&["container", "backup", "--help"]);
    assert!(help.ok().contains("backup -d 15m"), "{help}");
    std::fs::write(host.folder().join("wrong"), "guess\n").expect("written");
    let wrong = host.folder().join("wrong").display().to_string();
    let elsewhere = host.folder().join("elsewhere").display().to_string();
    host.sampan(&["container", "backup", "--to", &elsewhere, "--key-file", &wrong, "db"]).ok();
    assert_eq!(backups(host, &["--to", &elsewhere, "--key-file", &wrong]).len(), 1);
    for (words, said) in [
        (vec!["nobody"], "No such container: nobody"),
        (vec!["--to", "folder", "db"], "is no folder of the engine's host"),
        (vec!["--to", &elsewhere, "db"], "cannot be opened"),
        (vec!["--key-file", "/nowhere", "db"], "the key file /nowhere"),
        (vec!["restore", "ffffffff"], "there is no backup ffffffff"),
        (vec!["rm", "ffffffff"], "there is no backup ffffffff"),
        (vec!["ls", "--to", "/nowhere"], "there is no backup in /nowhere"),
    ] {
        let refused = host.sampan(&[&["container", "backup"], &words[..]].concat());
        assert!(refused.code != 0 && refused.stderr.contains(said), "{refused}");
    }
}

fn query(host: &Host, container: &str, sql: &str) -> Outcome {
    host.docker(&["exec", container, "psql", "-h", "127.0.0.1", "-U", "postgres", "-Atc", sql])
}

fn rows(host: &Host, container: &str) -> u64 {
    query(host, container, "select coalesce(max(id), 0) from rows").ok().parse().expect("a number")
}

/// A database is written to all the time, backed up again and again, and the daemon is killed in between: each backup
/// starts, and has every row that was committed before it began.
#[test]
fn a_database_under_load_is_whole_in_every_backup() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("a database is backed up under load, with the daemon killed", 4, 20);
    let mut host = Host::new();
    host.import(SERVICES);
    let start = "set -e; cd /var/lib/postgresql; B=/usr/lib/postgresql/15/bin; chown postgres data; [ -s data/PG_VERSION ] || \
        su postgres -c \"$B/initdb -D data -A trust -U postgres >/dev/null\"; exec su postgres -c \"exec $B/postgres -D data\"";
    host.docker(&[
        "run",
        "-d",
        "--name",
        "db",
        "-v",
        "pg:/var/lib/postgresql/data",
        "services",
        "bash",
        "-c",
        start,
    ])
    .ok();
    until("the database answers", || {
        query(&host, "db", "create table if not exists rows (id int)").code == 0
    });
    let write =
        "do $$ begin for i in 1..100000000 loop insert into rows values (i); commit; end loop; end $$";
    host.docker(&["exec", "-d", "db", "psql", "-h", "127.0.0.1", "-U", "postgres", "-c", write]).ok();
    let mut begun: Vec<(String, u64)> = Vec::new();
    for round in 0..campaign.rounds {
        let before = rows(&host, "db");
        let known: Vec<String> =
            backups(&host, &[]).iter().filter_map(|it| it["Id"].as_str().map(str::to_owned)).collect();
        if round % 2 == 1 {
            let mut running = host.sampan_running(&["container", "backup", "db"]);
            std::thread::sleep(Duration::from_millis(150 * (round as u64 % 7) + 40));
            host.kill_daemon();
            let _ = running.child().wait();
            host.start_daemon();
        } else {
            host.sampan(&["container", "backup", "db"]).ok();
        }
        for backup in backups(&host, &[]) {
            let id = backup["Id"].as_str().expect("an id").to_owned();
            if !known.contains(&id) {
                begun.push((id, before));
            }
        }
        let now = rows(&host, "db");
        until("rows go on being written", || rows(&host, "db") > now);
    }
    assert!(begun.len() >= campaign.rounds / 2, "{begun:?}");
    assert!(restic(&host, &["check", "--read-data"]).ok().contains("no errors were found"));
    assert_eq!(restic(&host, &["snapshots", "--tag", ""]).ok().matches("sampan").count(), begun.len());
    for (id, least) in &begun {
        host.sampan(&["container", "backup", "restore", "--as", "back", &id[..12]]).ok();
        host.docker(&["start", "back"]).ok();
        until("the restored database answers", || query(&host, "back", "select 1").code == 0);
        let (last, all) =
            (rows(&host, "back"), query(&host, "back", "select count(*) from rows").ok().to_owned());
        assert!(last >= *least, "{last} of {least} rows");
        assert_eq!(all, last.to_string(), "rows are missing");
        let volumes = host.docker(&["volume", "ls", "-q"]).ok().to_owned();
        host.docker(&["rm", "-f", "back"]).ok();
        for volume in volumes.lines().filter(|name| name.starts_with("pg-")) {
            host.docker(&["volume", "rm", volume]).ok();
        }
    }
    campaign.done(&format!("{} backups, all of them whole", begun.len()));
}

/// What a second backup of the same files costs when one part in a hundred changed, in one run and as random pages,
/// beside restic on the same files.
#[test]
fn little_changes_cost_little() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("megabytes of a volume, one in a hundred changed", 96, 1024);
    let host = Host::new();
    host.import(BUSYBOX);
    host.docker(&["run", "-d", "--name", "data", "-v", "data:/data", "busybox", "sleep", "10000"]).ok();
    let file = host.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]).ok().to_owned() + "/file";
    let key = host.folder().join("restic-key").display().to_string();
    std::fs::write(&key, "secret").expect("written");
    let repository = host.folder().join("restic").display().to_string();
    let theirs = |words: &[&str]| {
        host.run(&[&["restic", "--no-cache", "-r", &repository, "-p", &key], words].concat())
    };
    theirs(&["init"]).ok();
    let size = |folder: &str| -> u64 {
        let listed = host.shell("du -sb \"$1\" | cut -f1", &[folder]);
        listed.ok().parse().expect("a number")
    };
    let own = host.data_root().join("backup/repository").display().to_string();
    let change = |how: &str| {
        let script = "import os, random, sys
path, size, how = sys.argv[1], int(sys.argv[2]) << 20, sys.argv[3]
random.seed(how)
f = open(path, 'r+b' if os.path.exists(path) else 'wb')
if how == 'all':
    for _ in range(size >> 20): f.write(random.randbytes(1 << 20))
elif how == 'run':
    f.seek(size // 3); f.write(random.randbytes(size // 100))
else:
    for _ in range(size // 100 // 8192):
        f.seek(random.randrange(size // 8192) * 8192); f.write(random.randbytes(8192))
f.close()";
        host.run(&["python3", "-c", script, &file, &campaign.rounds.to_string(), how]).ok();
    };
    let mut figures = Vec::new();
    let (mut before, mut before_theirs) = (0, size(&repository));
    for how in ["all", "run", "pages"] {
        change(how);
        let start = Instant::now();
        host.sampan(&["container", "backup", "data"]).ok();
        let ours = start.elapsed();
        let start = Instant::now();
        theirs(&["backup", &file]).ok();
        let restic = start.elapsed();
        let (now, now_theirs) = (size(&own), size(&repository));
        figures.push((how, now - before, now_theirs - before_theirs, ours, restic));
        (before, before_theirs) = (now, now_theirs);
    }
    for (how, ours, theirs, time, theirs_time) in &figures {
        println!("{how}: {ours} bytes in {time:.1?}, restic {theirs} bytes in {theirs_time:.1?}");
    }
    let total = campaign.rounds as u64 * 1024 * 1024;
    // The chunks at both ends of what changed count in full; of a gigabyte they are nothing.
    assert!(figures[1].1 <= (total * 3 / 100).max(6 * 1024 * 1024), "one run: {figures:?}");
    // restic's own chunks vary: as much as restic, within what one chunk at its largest may be.
    assert!(figures[2].1 <= figures[2].2 + 8 * 1024 * 1024, "pages: {figures:?}");
    let stored: Vec<String> =
        figures.iter().map(|(how, ours, theirs, ..)| format!("{how} {ours} (restic {theirs})")).collect();
    campaign.done(&format!("bytes stored: {}", stored.join(", ")));
}
