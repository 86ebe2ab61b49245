//! Fields that say what runs: names, user, streams, environment, command, health.

use sampan_tests::{Host, until};
use serde_json::json;

use super::{Looks, Prints, PrintsOrRefuses, Refused, Row, Shows, row, stricter};

pub(super) fn rows() -> Vec<Row> {
    let domain = json!({"Hostname": "me", "Domainname": "example.test"});
    let health = json!({"Healthcheck": {"Test": ["CMD-SHELL", "test -e /healthy"], "Interval": 100_000_000, "Timeout": 5_000_000_000_i64,
                        "Retries": 2, "StartPeriod": 0, "StartInterval": 50_000_000},
                        "Cmd": ["sh", "-c", "touch /healthy; sleep 300"]});
    let trap = json!({"StopSignal": "SIGINT", "Cmd": ["sh", "-c", "trap 'exit 12' INT; echo ready; while :; do sleep 0.05; done"]});
    let stubborn = json!({"StopTimeout": 1, "Cmd": ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]});
    vec![
        row("Config.Hostname", json!({"Hostname": "me"}), Prints("hostname", "me\n")),
        row("Config.Domainname", domain, Prints("cat /etc/hosts", "me.example.test me")),
        row("Config.User", json!({"User": "33:65534"}), Prints("id -u; id -g", "33\n65534\n")),
        row("Config.User", json!({"User": "www-data"}), Prints("id -un; id -gn", "www-data\nwww-data\n")),
        row("Config.User", json!({"User": "nobody-here"}), Refused("unable to find user nobody-here")),
        row(
            "Config.User",
            json!({"User": "4294967296"}),
            Refused("uids and gids must be in range|4294967296"),
        ),
        row("Config.AttachStdin", json!({"AttachStdin": true}), Shows("{{.Config.AttachStdin}}", "true")),
        row("Config.AttachStdout", json!({"AttachStdout": true}), Shows("{{.Config.AttachStdout}}", "true")),
        row("Config.AttachStderr", json!({"AttachStderr": true}), Shows("{{.Config.AttachStderr}}", "true")),
        row(
            "Config.ExposedPorts",
            json!({"ExposedPorts": {"81/tcp": {}}}),
            Shows("{{json .NetworkSettings.Ports}}", r#"{"81/tcp":null}"#),
        ),
        stricter("Config.ExposedPorts", json!({"ExposedPorts": {"81/xyz": {}}}), Refused("xyz|invalid")),
        row("Config.Tty", json!({"Tty": true}), Prints("test -t 1 && echo terminal", "terminal")),
        row(
            "Config.OpenStdin",
            json!({"OpenStdin": true}),
            Prints("test -c /proc/self/fd/0 || echo open", "open"),
        ),
        row(
            "Config.StdinOnce",
            json!({"OpenStdin": true, "StdinOnce": true}),
            Shows("{{.Config.StdinOnce}}", "true"),
        ),
        row("Config.Env", json!({"Env": ["A=b  c", "B="]}), Prints("echo \"<$A$B>\"", "<b  c>")),
        row("Config.Cmd", json!({"Cmd": ["echo", "one", "two words"]}), Prints("", "one two words")),
        row(
            "Config.Healthcheck",
            health,
            Looks(|host, name| becomes(host, name, "{{.State.Health.Status}}", "healthy")),
        ),
        row(
            "Config.Healthcheck",
            json!({"Healthcheck": {"Test": ["NONE"]}}),
            Shows("{{.State.Health}}", "<nil>"),
        ),
        row(
            "Config.Healthcheck",
            json!({"Healthcheck": {"Test": ["CMD", "true"], "Interval": 1}}),
            Refused("Interval"),
        ),
        stricter("Config.ArgsEscaped", json!({"ArgsEscaped": true}), Refused("ArgsEscaped")),
        row("Config.Image", json!({"Image": "no-such-image"}), Refused("No such image: no-such-image")),
        row("Config.Volumes", json!({"Volumes": {"/vol": {}}}), Prints("grep ' /vol ' /proc/mounts", "/vol")),
        row("Config.WorkingDir", json!({"WorkingDir": "/tmp/made/here"}), Prints("pwd", "/tmp/made/here")),
        row(
            "Config.WorkingDir",
            json!({"WorkingDir": "not/absolute"}),
            Refused("working directory|absolute"),
        ),
        row(
            "Config.Entrypoint",
            json!({"Entrypoint": ["echo", "entry"], "Cmd": ["x"]}),
            Prints("", "entry x"),
        ),
        row("Config.Entrypoint", json!({"Entrypoint": [], "Cmd": ["echo", "plain"]}), Prints("", "plain")),
        row(
            "Config.NetworkDisabled",
            json!({"NetworkDisabled": true}),
            PrintsOrRefuses("ip -o link | wc -l", "1\n"),
        ),
        row(
            "Config.MacAddress",
            json!({"version": "1.43", "MacAddress": "02:42:ac:11:00:99"}),
            Prints("cat /sys/class/net/eth0/address", "02:42:ac:11:00:99"),
        ),
        row(
            "Config.OnBuild",
            json!({"OnBuild": ["RUN true"]}),
            Shows("{{json .Config.OnBuild}}", r#"["RUN true"]"#),
        ),
        row(
            "Config.Labels",
            json!({"Labels": {"a.b/c": "d <e>"}}),
            Shows("{{index .Config.Labels \"a.b/c\"}}", "d <e>"),
        ),
        row("Config.StopSignal", trap, Looks(|host, name| stops_with(host, name, "12"))),
        row("Config.StopTimeout", stubborn, Looks(|host, name| stops_with(host, name, "137"))),
        row(
            "Config.Shell",
            json!({"Shell": ["/bin/ash", "-c"]}),
            Shows("{{json .Config.Shell}}", r#"["/bin/ash","-c"]"#),
        ),
    ]
}

/// Waits until `inspect` gives a text.
pub(super) fn becomes(host: &Host, name: &str, template: &str, wanted: &str) -> Result<(), String> {
    until(wanted, || host.docker(&["inspect", "-f", template, name]).stdout.trim() == wanted);
    Ok(())
}

fn stops_with(host: &Host, name: &str, code: &str) -> Result<(), String> {
    until("the container's first line", || host.docker(&["logs", name]).stdout.contains("ready"));
    host.docker(&["stop", name]).ok();
    becomes(host, name, "{{.State.ExitCode}}", code)
}
